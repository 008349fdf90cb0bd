"""What the store gives back: a list of runs, a run by its name, and all that was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from wattmark.errors import RunNotFoundError, StoreError
from wattmark.records import (
    READABLE_VERSIONS,
    Bundle,
    Environment,
    ExecutionRecord,
    Failure,
    IdleRecord,
    ModelInfo,
    Plan,
    Preparation,
    Record,
    Round,
    Run,
    TaskInfo,
    bundle_of,
)
from wattmark.records.canonical import sha256_of
from wattmark.store.tables import (
    ExecutionRow,
    FailureRow,
    IdleRow,
    PreparationRow,
    RoundRow,
    RunRow,
    RunStatus,
)

LATEST = "latest"

_AnyRecord = TypeVar("_AnyRecord", bound=Record)
_AnyRow = TypeVar("_AnyRow", PreparationRow, ExecutionRow, RoundRow, IdleRow, FailureRow)


@dataclass(frozen=True)
class RunSummary:
    """One line in a list of runs. ``rounds`` leaves out those that were superseded."""

    id: str
    created_at: str
    name: str
    task: str
    model: str
    status: RunStatus
    setups: int
    rounds: int


@dataclass(frozen=True)
class RecordedRun:
    """Everything that was measured in a run so far, in the order in which it happened.

    ``rounds`` includes superseded ones, marked so. A resumed run may have prepared a trial, or
    started an execution, more than once. ``idle`` is what the devices drew before and after the
    rounds of an execution. ``failures`` holds the last failure of each trial.
    """

    id: str
    created_at: str
    status: RunStatus
    plan: Plan
    model: ModelInfo
    task: TaskInfo
    environment: Environment
    preparations: tuple[Preparation, ...]
    executions: tuple[ExecutionRecord, ...]
    rounds: tuple[Round, ...]
    idle: tuple[IdleRecord, ...]
    failures: Mapping[str, Failure]


def run_times(session: Session) -> dict[str, str]:
    """When each run began, by its id, newest first."""
    query = select(RunRow.id, RunRow.created_at)
    ordered = query.order_by(RunRow.created_at.desc(), RunRow.id.desc())
    return dict(session.execute(ordered).tuples().all())


def summaries(session: Session) -> list[RunSummary]:
    """One line for each run, newest first."""
    valid = select(func.count()).where(RoundRow.run_id == RunRow.id, RoundRow.superseded.is_(False))
    query = select(RunRow, valid.scalar_subquery()).order_by(
        RunRow.created_at.desc(), RunRow.id.desc()
    )
    return [
        RunSummary(
            id=run.id,
            created_at=run.created_at,
            name=run.name,
            task=run.task,
            model=run.model,
            status=RunStatus(run.status),
            setups=len(run.plan["setups"]),
            rounds=rounds,
        )
        for run, rounds in session.execute(query)
    ]


def run_meant(name: str, ids: Sequence[str]) -> str:
    """The id meant by ``latest``, by a full id, or by the unique start of one.

    ``ids`` are all ids, newest first. Raises RunNotFoundError with the nearest of them.
    """
    if not ids:
        raise RunNotFoundError("there is no run yet: `wattmark run` makes one")
    if name == LATEST:
        return ids[0]
    if name in ids:
        return name
    meant = [i for i in ids if name and i.startswith(name)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        shown = ", ".join(meant[:5]) + (" ..." if len(meant) > 5 else "")
        raise RunNotFoundError(f"{len(meant)} runs start with {name!r}: {shown}")
    near = get_close_matches(name, ids, n=3, cutoff=0.4)
    advice = f"did you mean {' or '.join(near)}?" if near else f"the latest is {ids[0]}"
    raise RunNotFoundError(f"no run {name!r}: {advice}")


def find_run(session: Session, run_id: str) -> RunRow:
    """The row of a run. Raises RunNotFoundError."""
    row = session.get(RunRow, run_id)
    if row is None:
        raise RunNotFoundError(f"no run {run_id!r} in the store")
    return row


def document(session: Session, run_id: str) -> Run:
    """The document of a run.

    Raises StoreError where there is none yet, or where its schema version is unknown.
    """
    row = find_run(session, run_id)
    if row.document is None:
        raise StoreError(
            f"run {run_id} is not finished: `wattmark run --resume {run_id}` finishes it"
        )
    _check_version(run_id, str(row.document.get("schema_version")))
    return _read(Run, row.document, run_id)


def bundle(session: Session, run_id: str) -> Bundle:
    """The bytes of a run's document, with what they say. Raises StoreError as `document` does."""
    run = document(session, run_id)
    query = select(cast(RunRow.document, Text), RunRow.document_sha256).where(RunRow.id == run_id)
    text, sha256 = session.execute(query).one()
    if sha256 is None:
        try:
            return bundle_of(run)  # of before the bytes were kept
        except ValueError as error:
            raise StoreError(f"run {run_id} has no canonical form: {error}") from error
    if sha256_of(text.encode()) != sha256:
        raise StoreError(
            f"the document of run {run_id} is not the one that was recorded, whose sha256 starts "
            f"with {sha256[:12]}: it was changed after the run"
        )
    return Bundle(sha256, text.encode(), run)


def progress(session: Session, run_id: str) -> RecordedRun:
    """Everything that was measured in a run so far. Raises StoreError as `document` does."""
    row = find_run(session, run_id)
    _check_version(run_id, row.schema_version)
    return RecordedRun(
        id=row.id,
        created_at=row.created_at,
        status=RunStatus(row.status),
        plan=_read(Plan, row.plan, run_id),
        model=_read(ModelInfo, row.model_info, run_id),
        task=_read(TaskInfo, row.task_info, run_id),
        environment=_read(Environment, row.environment, run_id),
        preparations=tuple(
            _read(Preparation, p.record, run_id) for p in _rows(session, PreparationRow, run_id)
        ),
        executions=tuple(
            _read(ExecutionRecord, e.record, run_id) for e in _rows(session, ExecutionRow, run_id)
        ),
        rounds=tuple(
            _read(Round, {**r.record, "superseded": r.superseded}, run_id)
            for r in _rows(session, RoundRow, run_id)
        ),
        idle=tuple(_read(IdleRecord, i.record, run_id) for i in _rows(session, IdleRow, run_id)),
        failures={
            f.trial: _read(Failure, f.record, run_id) for f in _rows(session, FailureRow, run_id)
        },
    )


def _rows(session: Session, table: type[_AnyRow], run_id: str) -> Iterable[_AnyRow]:
    return session.scalars(select(table).where(table.run_id == run_id).order_by(table.number))


def _check_version(run_id: str, version: str) -> None:
    if version not in READABLE_VERSIONS:
        raise StoreError(
            f"run {run_id} has schema version {version!r}, and this Wattmark reads "
            f"{', '.join(READABLE_VERSIONS)}: use the version of Wattmark that made the run"
        )


def _read(kind: type[_AnyRecord], data: Mapping[str, Any], run_id: str) -> _AnyRecord:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(p) for p in problem["loc"])
        raise StoreError(
            f"run {run_id} holds a damaged {kind.__name__}: {place}: {problem['msg']}"
        ) from error
