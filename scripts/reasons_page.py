"""The codes that say why a figure is missing or wide, as a document.

The file ``docs/reasons.md`` is generated: ``python scripts/reasons_page.py docs/reasons.md``
writes it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from wattmark.errors import SentenceCode
from wattmark.quantities import Reason
from wattmark.rating.unrated import Unrated

_INTRODUCTION = """\
# Why a figure is missing

A figure that could not be had is never 0: it is null, with one of these codes in `reason` and
particulars in `detail`. The same codes, in the `flags` of an energy window, say why the interval
of a figure that is there had to be widened. (Generated from the code by `make docs`.)

| code | meaning |
| --- | --- |
"""


_UNRATED = """
# Why a result has no star

A result that is not rated is listed all the same, with one of these codes in `unrated_reason`: the
first that applies.

| code | meaning |
| --- | --- |
"""


def reasons_document() -> str:
    """Every code with its sentence, in Markdown."""
    return _INTRODUCTION + _rows(Reason) + _UNRATED + _rows(Unrated)


def _rows(codes: type[SentenceCode]) -> str:
    return "".join(f"| `{code.value}` | {code.sentence} |\n" for code in codes)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reasons_document(), encoding="utf-8")
