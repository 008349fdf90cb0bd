"""What of Wattmark is public, as a document.

The file ``docs/public.md`` is generated: ``python scripts/public_page.py docs/public.md`` writes
it anew. It is what a change of the public surface is seen by: a test compares it with the code.
"""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

#: The public modules, and what they are for.
PUBLIC = {
    "wattmark": "measure, run, and read what came of it",
    "wattmark.contracts": "what a plug-in fills, and what it is handed",
    "wattmark.records": "plans, results and runs, as they are stored",
    "wattmark.quantities": "numbers with unit, interval and grade",
    "wattmark.errors": "everything that is raised on purpose",
    "wattmark.pipelines": "ways of answering that a model can take ready-made",
    "wattmark.metrology": "what a meter needs to turn readings into energy with an interval",
    "wattmark.meters.node": "what a kind of meter that a user names is made of",
    "wattmark.exports": "what an export writes, and how it lists what is not known",
    "wattmark.reports": "the table of a run, for a report format",
}

#: The groups of entry points, and what one names.
GROUPS = {
    "wattmark.tasks": "a class that fills `Task`, constructed without arguments",
    "wattmark.models": "a class that fills `Model`, constructed without arguments",
    "wattmark.adapters": "by task: a class that fills `Model`, constructed with the model's name",
    "wattmark.datasets": "by task: a tuple of `DataSet`",
    "wattmark.frameworks": "a class that fills `Framework`, constructed without arguments",
    "wattmark.scenarios": "a class that fills `Scenario`, constructed without arguments",
    "wattmark.meters": "a class (or function) that gives a `Meter`, called without arguments",
    "wattmark.meter_kinds": "a `wattmark.contracts.MeterKind`",
    "wattmark.rules": "a class that fills `Rule` or `LimitedRule`, constructed without arguments",
    "wattmark.exports": "a class that fills `Export`, constructed without arguments",
    "wattmark.reports": "a class that fills `ReportFormat`, constructed without arguments",
    "wattmark.endpoint_reports": (
        "a class that fills `EndpointReportFormat`, constructed without arguments"
    ),
}

_HEAD = """\
# What is public

Names on this page change only with a line in `CHANGELOG.md`. Modules not listed here may change
without notice, and so may names in the listed ones that are not. Stored files (plans, runs,
editions, boards) stay readable by their own version numbers. (Generated from the code by
`make docs`.)

## Groups of entry points

| group | an entry point names |
| --- | --- |
"""


def public_names(module: str) -> list[str]:
    """What a public module offers: its ``__all__``, or all that it defines itself."""
    found = import_module(module)
    if (listed := getattr(found, "__all__", None)) is not None:
        return sorted(listed)
    return sorted(
        name
        for name, value in vars(found).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module
    )


def first_sentence(value: object) -> str:
    """What a class or function is, from its docstring; of others only whether they are types."""
    if isinstance(value, str | int | tuple):
        return "a constant"
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return "a type, see its module"
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", " ".join((value.__doc__ or "").split()))
    sentence = re.split(r"(?<=[.?!]) (?=[A-Z`*])", text)[0]
    return sentence.replace("``", "`").replace("|", "\\|")


def public_document() -> str:
    """Every public name with its first sentence, in Markdown."""
    rows = "".join(f"| `{group}` | {names} |\n" for group, names in GROUPS.items())
    return _HEAD + rows + "".join(map(_section, PUBLIC))


def _section(module: str) -> str:
    found = import_module(module)
    rows = "".join(
        f"| `{name}` | {first_sentence(getattr(found, name))} |\n" for name in public_names(module)
    )
    return f"\n## `{module}`: {PUBLIC[module]}\n\n| name | |\n| --- | --- |\n{rows}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(public_document(), encoding="utf-8")
