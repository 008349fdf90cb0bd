"""The kinds of runs, and what means the same for all: list, find, ``latest``, load, show, report.

A kind is one file here, which says how its runs are kept, shown and reported, and its line in
`KINDS`. Runs that are measured in one go are kept by `wattmark.store.run_folders`. What one kind
alone can do (to resume, to rate) stays with the use case that does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wattmark.errors import RunNotFoundError
from wattmark.records import EndpointRun, Run
from wattmark.store.recorded import LATEST, run_meant
from wattmark.workflows.kinds.endpoint import ENDPOINT
from wattmark.workflows.kinds.kind import RunKind
from wattmark.workflows.kinds.plan import PLAN

if TYPE_CHECKING:
    from wattmark.reports.shown import Shown

__all__ = ["ENDPOINT", "KINDS", "PLAN", "RunKind", "find", "listed", "load", "report", "shown"]

KINDS: tuple[RunKind[Any], ...] = (PLAN, ENDPOINT)
AnyRun = Run | EndpointRun


def find(name: str = LATEST, of: Sequence[RunKind[Any]] | None = None) -> tuple[RunKind[Any], str]:
    """The kind and id of the run meant by an id, by the unique start of one, or by ``latest``.

    A name means the same run whoever asks; ``latest`` is the newest of the kinds ``of`` which are
    asked for, or of all. Raises RunNotFoundError where there is none, where several are meant, and
    where it is of another kind.
    """
    of = KINDS if of is None else of
    asked = of if name == LATEST else KINDS
    runs = [(time, id_, kind) for kind in asked for id_, time in kind.kept.times().items()]
    runs.sort(key=lambda run: run[:2], reverse=True)
    if name == LATEST and not runs and len(asked) < len(KINDS):
        raise RunNotFoundError(
            f"there are no {_named(of)} yet: `wattmark list runs` shows what there is"
        )
    meant = run_meant(name, [id_ for _, id_, _ in runs])
    found = [kind for _, id_, kind in runs if id_ == meant]
    if len(found) > 1:
        both = " and ".join(kind.one for kind in found)
        raise RunNotFoundError(f"{meant!r} is {both}: one of them has to get another id")
    if found[0] not in of:
        raise RunNotFoundError(
            f"run {meant} is {found[0].one}, and this takes {_named(of)}: "
            f"`wattmark show {meant}` and `wattmark report {meant}` take it"
        )
    return found[0], meant


def load(name: str = LATEST) -> AnyRun:
    """A run of any kind by its id, a unique prefix of it, or "latest". Raises RunNotFoundError."""
    kind, run_id = find(name)
    run: AnyRun = kind.kept.load(run_id)
    return run


def report(run: AnyRun, format_: str) -> str:
    """A run of any kind as a document: ``html``, ``md``, ``csv`` or ``json``."""
    return _kind_of(run).report(run, format_)


def shown(run: AnyRun) -> Shown:
    """A run of any kind as it is shown in a terminal."""
    return _kind_of(run).shown(run)


def listed() -> list[dict[str, str]]:
    """All runs of all kinds, newest first."""
    lines = [(line, kind) for kind in KINDS for line in kind.kept.listed()]
    lines.sort(key=lambda pair: (pair[0].created_at, pair[0].id), reverse=True)
    return [
        {
            "id": line.id,
            "kind": kind.name,
            "status": line.status,
            "task": line.task,
            "model": line.model,
            "setups": line.setups,
        }
        for line, kind in lines
    ]


def _kind_of(run: AnyRun) -> RunKind[Any]:
    return next(kind for kind in KINDS if isinstance(run, kind.record))


def _named(kinds: Sequence[RunKind[Any]]) -> str:
    return " or ".join(kind.many for kind in kinds)
