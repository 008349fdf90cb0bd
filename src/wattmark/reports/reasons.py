"""The codes that say why a figure is missing or wide, as a document.

The file ``docs/reasons.md`` is generated: ``python -m wattmark.reports.reasons docs/reasons.md``
writes it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from wattmark.quantities import Reason

_INTRODUCTION = """\
# Why a figure is missing

A figure that could not be had is never 0: it is null, with one of these codes in `reason` and
particulars in `detail`. The same codes, in the `flags` of an energy window, say why the interval
of a figure that is there had to be widened. (Generated from the code by `make docs`.)

| code | meaning |
| --- | --- |
"""


def reasons_document() -> str:
    """Every code with its sentence, in Markdown."""
    return _INTRODUCTION + "".join(f"| `{r.value}` | {r.sentence} |\n" for r in Reason)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reasons_document(), encoding="utf-8")
