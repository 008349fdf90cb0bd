"""The store: everything that is measured is written at once, and never changed afterwards.

A run is begun, gets its preparations, executions, rounds and failures one by one (each is on the
disk when the call returns), and is finished with its document. Whatever kills the process in
between, what was measured is kept, and `Store.progress` gives it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, cast

from sqlalchemy import ColumnElement, CursorResult, Engine, Update, and_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from wattmark.assets import data_folder
from wattmark.errors import StoreError
from wattmark.records import (
    SCHEMA_VERSION,
    Bundle,
    Environment,
    ExecutionRecord,
    Failure,
    IdleRecord,
    ModelInfo,
    Plan,
    Preparation,
    Round,
    Run,
    SampleFile,
    StopReason,
    TaskInfo,
    bundle_of,
)
from wattmark.results.past_spreads import PastRun
from wattmark.store import locations, recorded, samples
from wattmark.store.database import WrittenJson, open_database
from wattmark.store.past_rounds import past_runs
from wattmark.store.tables import (
    ExecutionRow,
    FailureRow,
    IdleRow,
    PreparationRow,
    RoundRow,
    RunRow,
    RunStatus,
)

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


class Store:
    """Runs, and what was measured in them. A context manager; `open` makes one.

    Every method raises StoreError where the database or the disk refuses, and RunNotFoundError
    for a run that is not there.
    """

    def __init__(self, engine: Engine, location: Path) -> None:
        self._engine = engine
        self.location = location

    @classmethod
    def open(cls, location: Path | str | None = None) -> Self:
        """The store in a data folder, made or upgraded where needed.

        Without ``location``: the user's (see `wattmark.store.locations`), at the URL that the
        user set, if any. A given location holds its own database.
        """
        folder = data_folder() if location is None else Path(location)
        url = locations.configured_url() if location is None else None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the data folder {folder} cannot be made ({error.strerror}): "
                "set WATTMARK_DATA to a folder that you may write to"
            ) from error
        return cls(open_database(url or locations.database_url(folder)), folder)

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(
        self,
        run_id: str,
        created_at: str,
        plan: Plan,
        model: ModelInfo,
        task: TaskInfo,
        environment: Environment,
    ) -> None:
        """Record that a run starts, and make its folder. ``created_at`` is ISO 8601 in UTC."""
        folder = self.folder(run_id)
        row = RunRow(
            id=run_id,
            schema_version=SCHEMA_VERSION,
            created_at=created_at,
            name=plan.name,
            task=task.name,
            model=model.name,
            status=RunStatus.RUNNING,
            plan=plan.model_dump(mode="json"),
            model_info=model.model_dump(mode="json"),
            task_info=task.model_dump(mode="json"),
            environment=environment.model_dump(mode="json"),
        )
        with self._transaction(f"run {run_id}") as session:
            session.add(row)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the run's folder {folder} cannot be made: {error}") from error

    def add_preparation(self, run_id: str, preparation: Preparation) -> None:
        """Record how an artefact was prepared."""
        trial = preparation.trial
        record = preparation.model_dump(mode="json")
        row = PreparationRow(run_id=run_id, trial=trial, record=record)
        self._add(row, f"preparation of {trial}")

    def add_execution(self, run_id: str, execution: ExecutionRecord) -> None:
        """Record one life of a worker."""
        trial = execution.trial
        record = execution.model_dump(mode="json")
        row = ExecutionRow(run_id=run_id, trial=trial, record=record)
        self._add(row, f"execution {execution.execution} of {trial}")

    def add_idle(self, run_id: str, idle: IdleRecord) -> None:
        """Record what the devices drew at idle."""
        row = IdleRow(run_id=run_id, record=idle.model_dump(mode="json"))
        self._add(row, "power at idle")

    def add_round(self, run_id: str, round_: Round) -> None:
        """Record one round; its sample file must have been written before."""
        row = RoundRow(
            run_id=run_id,
            trial=round_.trial,
            execution=round_.execution,
            index=round_.index,
            attempt=round_.attempt,
            superseded=round_.superseded,
            record=round_.model_dump(mode="json", exclude={"superseded"}),
        )
        self._add(row, _name(round_.trial, round_.execution, round_.index, round_.attempt))

    def supersede_round(
        self, run_id: str, trial: str, execution: int, index: int, attempt: int
    ) -> None:
        """Mark a round as replaced by a later attempt; it is kept."""
        what = _name(trial, execution, index, attempt)
        this = _is_round(run_id, trial, execution, index, attempt)
        with self._transaction(what) as session:
            self._reopen(session, run_id)
            if not _changed(session, update(RoundRow).where(this).values(superseded=True)):
                raise StoreError(f"{what} is not recorded in run {run_id}")

    def add_failure(self, run_id: str, trial: str, failure: Failure) -> None:
        """Record why a trial gives no result."""
        row = FailureRow(run_id=run_id, trial=trial, record=failure.model_dump(mode="json"))
        self._add(row, f"failure of {trial}")

    def finish(self, run: Run) -> None:
        """Record the run's document. A run that was interrupted may still be resumed.

        Raises StoreError where the run is finished already: results are immutable.
        """
        interrupted = run.stop_reason is StopReason.INTERRUPTED
        status = RunStatus.INTERRUPTED if interrupted else RunStatus.FINISHED
        document: WrittenJson | dict[str, Any]
        try:
            written = bundle_of(run)
            document, sha256 = WrittenJson(written.document.decode()), written.digest
        except ValueError:  # half a surrogate pair, an integer beyond 2^53: kept, though not hashed
            document, sha256 = run.model_dump(mode="json"), None
        with self._transaction(f"run {run.id}") as session:
            self._change(session, run.id, status=status, document=document, document_sha256=sha256)

    def interrupt(self, run_id: str) -> None:
        """Record that a run was stopped before its end; it may be resumed."""
        with self._transaction(f"run {run_id}") as session:
            self._change(session, run_id, status=RunStatus.INTERRUPTED)

    def write_samples(
        self,
        run_id: str,
        trial: str,
        execution: int,
        index: int,
        attempt: int,
        columns: Mapping[str, samples.Column],
    ) -> SampleFile:
        """Write the samples of a round that is not recorded yet (see `samples.write_samples`)."""
        what = _name(trial, execution, index, attempt)
        this = _is_round(run_id, trial, execution, index, attempt)
        with self._transaction(what) as session:
            if session.scalar(select(RoundRow.number).where(this)) is not None:
                raise StoreError(f"{what} is recorded already: its samples cannot be replaced")
        folder = self.folder(run_id)
        return samples.write_samples(folder, trial, execution, index, attempt, columns)

    def read_samples(self, run_id: str, file: SampleFile) -> dict[str, Any]:
        """The raw samples of one round (see `samples.read_samples`)."""
        return samples.read_samples(self.folder(run_id), file)

    def folder(self, run_id: str) -> Path:
        """Where the run's raw files lie. Raises StoreError for an id that is no file name."""
        if not _RUN_ID.fullmatch(run_id) or run_id == recorded.LATEST:
            raise StoreError(
                f"{run_id!r} cannot be a run's id: use letters, digits, '.', '_' and '-', "
                f"and not the word {recorded.LATEST!r}"
            )
        return locations.run_folder(self.location, run_id)

    def runs(self) -> list[recorded.RunSummary]:
        """All runs, newest first."""
        with self._transaction("the list of runs") as session:
            return recorded.summaries(session)

    def times(self) -> dict[str, str]:
        """When each run began (ISO 8601), by its id, newest first."""
        with self._transaction("the list of runs") as session:
            return recorded.run_times(session)

    def resolve(self, name: str) -> str:
        """The id of the run meant by ``latest``, by a full id, or by the unique start of one.

        Raises RunNotFoundError with the nearest ids.
        """
        with self._transaction("the list of runs") as session:
            return recorded.run_meant(name, list(recorded.run_times(session)))

    def load(self, run_id: str) -> Run:
        """The run's document.

        Raises StoreError where it has none yet, or is of an unknown schema version.
        """
        with self._transaction(f"run {run_id}") as session:
            return recorded.document(session, run_id)

    def bundle(self, run_id: str) -> Bundle:
        """The run's document as the bytes that were written, with their digest.

        Raises StoreError as `load` does, and where the bytes are not the ones that were written.
        """
        with self._transaction(f"run {run_id}") as session:
            return recorded.bundle(session, run_id)

    def progress(self, run_id: str) -> recorded.RecordedRun:
        """What was measured so far, for resuming a run and for reports of unfinished ones."""
        with self._transaction(f"run {run_id}") as session:
            return recorded.progress(session, run_id)

    def past_runs(self, run_id: str, plan: Plan, environment: Environment) -> list[PastRun]:
        """Earlier runs on the machine of this one, with what each of their rounds took."""
        with self._transaction("earlier runs") as session:
            return past_runs(session, run_id, plan, environment)

    @contextmanager
    def _transaction(self, what: str) -> Iterator[Session]:
        """What the block adds is on the disk when it is left without an error."""
        try:
            with Session(self._engine) as session, session.begin():
                yield session
        except IntegrityError as error:
            raise StoreError(f"{what} is recorded already, and records never change") from error
        except SQLAlchemyError as error:
            reason = error.orig if isinstance(error, StatementError) else error
            raise StoreError(f"{what} cannot be written or read: {reason}") from error

    def _add(
        self, row: PreparationRow | ExecutionRow | RoundRow | IdleRow | FailureRow, what: str
    ) -> None:
        with self._transaction(what) as session:
            self._reopen(session, row.run_id)
            session.add(row)

    def _reopen(self, session: Session, run_id: str) -> None:
        """What is about to be added outdates the document of an interrupted run."""
        self._change(session, run_id, status=RunStatus.RUNNING, document=None, document_sha256=None)

    def _change(self, session: Session, run_id: str, **values: Any) -> None:
        """Change a run that is not finished.

        First in every writing transaction, so that SQLite waits for other writers right away.
        """
        unfinished = and_(RunRow.id == run_id, RunRow.status != RunStatus.FINISHED)
        if not _changed(session, update(RunRow).where(unfinished).values(values)):
            recorded.find_run(session, run_id)
            raise StoreError(f"run {run_id} is finished, and results never change")


def _changed(session: Session, statement: Update) -> bool:
    result = cast("CursorResult[Any]", session.execute(statement))
    return result.rowcount > 0


def _is_round(
    run_id: str, trial: str, execution: int, index: int, attempt: int
) -> ColumnElement[bool]:
    return and_(
        RoundRow.run_id == run_id,
        RoundRow.trial == trial,
        RoundRow.execution == execution,
        RoundRow.index == index,
        RoundRow.attempt == attempt,
    )


def _name(trial: str, execution: int, index: int, attempt: int) -> str:
    return f"round {index} (execution {execution}, attempt {attempt}) of {trial}"
