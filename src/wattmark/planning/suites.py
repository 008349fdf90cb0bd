"""A suite: several plans in one file, run one after another.

    suite: all-tasks
    defaults: {samples: 100, rounds: 5}
    plans:
      - {name: speech, task: automatic-speech-recognition, model: ..., setups: [...]}

What ``defaults`` says holds for every plan that does not say otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from wattmark.errors import PlanError
from wattmark.outside.documents import Document, Place
from wattmark.planning.plans import plan_of, read_document
from wattmark.records import Plan, Suite

_KEYS = ("suite", "defaults", "plans")


def load(source: str | Path | None) -> Plan | Suite:
    """The plan or suite in a file or of a packaged name; none: the quickstart.

    Raises PlanError with file, line and key, as `plans.load_plan` does.
    """
    document, path = read_document(source)
    data = document.data
    if not isinstance(data, Mapping) or "plans" not in data:
        return plan_of(document, str(path))
    if unknown := sorted(set(data) - set(_KEYS)):
        raise PlanError(f"{path}: unknown key {unknown[0]!r}: a suite has {', '.join(_KEYS)}")
    entries, defaults = data["plans"], data.get("defaults") or {}
    if not isinstance(entries, list) or not entries or not isinstance(defaults, Mapping):
        raise PlanError(f"{path}: a suite has a list of `plans` and a mapping of `defaults`")
    plans = [
        plan_of(_entry(document, index, entry, defaults), str(path))
        for index, entry in enumerate(entries)
    ]
    names = [plan.name for plan in plans]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise PlanError(f"{path}: two plans are called {repeated[0]!r}; runs would be mixed up")
    return Suite(name=str(data.get("suite") or path.stem), plans=tuple(plans))


def select(suite: Suite, only: Collection[str]) -> Suite:
    """The suite's plans whose name or task is in ``only``, in its order. Raises PlanError."""
    known = {name for plan in suite.plans for name in (plan.name, plan.task)}
    for name in only:
        if name not in known:
            near = get_close_matches(name, known, n=2)
            advice = f"did you mean {' or '.join(near)}?" if near else ", ".join(sorted(known))
            raise PlanError(f"the suite {suite.name} has no plan or task {name!r}: {advice}")
    chosen = tuple(p for p in suite.plans if p.name in only or p.task in only)
    return suite.model_copy(update={"plans": chosen})


def share_budget(suite: Suite, budget_s: float) -> Suite:
    """The suite with ``budget_s`` for all, shared out as its plans' own budgets are."""
    whole = sum(plan.budget_s for plan in suite.plans)
    plans = tuple(
        plan.model_copy(update={"budget_s": budget_s * plan.budget_s / whole})
        for plan in suite.plans
    )
    return suite.model_copy(update={"plans": plans})


def _entry(document: Document, index: int, entry: Any, defaults: Mapping[str, Any]) -> Document:
    """One plan of the suite as a document of its own, with the lines that it has in the file."""
    if not isinstance(entry, Mapping):
        return Document(entry)
    lines: dict[Place, int] = {
        place[2:]: line for place, line in document.lines.items() if place[:2] == ("plans", index)
    }
    return Document({**defaults, **entry}, lines)
