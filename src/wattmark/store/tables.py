"""The tables. A record is kept whole as JSON; columns repeat only what is looked up by.

Rows of preparations, executions, rounds and failures are only ever added, in the order in which
things happened. The one thing that may change later is whether a round is superseded, so that
stands in a column and not in the round's JSON.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, MetaData, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class RunStatus(StrEnum):
    """Where a run stands. A run killed outright stays ``running`` until it is resumed."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


class Base(DeclarativeBase):
    """Metadata with named constraints, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {dict[str, Any]: JSON(none_as_null=True)}


class RunRow(Base):
    """One run; ``document`` is the `Run` record, absent while the run is under way.

    It is canonical JSON, whose bytes ``document_sha256`` is of; of runs from before that was kept,
    it is other JSON, and they have no digest.
    """

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    schema_version: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[str] = mapped_column(String(120))
    task: Mapped[str] = mapped_column(String(120))
    model: Mapped[str] = mapped_column(String(120))
    status: Mapped[str] = mapped_column(String(20))
    plan: Mapped[dict[str, Any]]
    model_info: Mapped[dict[str, Any]]
    task_info: Mapped[dict[str, Any]]
    environment: Mapped[dict[str, Any]]
    document: Mapped[dict[str, Any] | None]
    document_sha256: Mapped[str | None] = mapped_column(String(64))


class _OfTrial:
    """Columns of what belongs to one trial of one run."""

    number: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    trial: Mapped[str] = mapped_column(String(300))
    record: Mapped[dict[str, Any]]


class PreparationRow(_OfTrial, Base):
    """One preparation of a trial's artefact; a resumed run prepares again, from the cache."""

    __tablename__ = "preparations"


class ExecutionRow(_OfTrial, Base):
    """One life of a worker process."""

    __tablename__ = "executions"


class RoundRow(_OfTrial, Base):
    """One turn of one worker; its four keys are unique within a run."""

    __tablename__ = "rounds"
    __table_args__ = (UniqueConstraint("run_id", "trial", "execution", "index", "attempt"),)

    execution: Mapped[int]
    index: Mapped[int]
    attempt: Mapped[int]
    superseded: Mapped[bool]


class IdleRow(Base):
    """What the devices drew at idle, before or after the rounds of an execution."""

    __tablename__ = "idle"

    number: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    record: Mapped[dict[str, Any]]


class FailureRow(_OfTrial, Base):
    """Why a trial gave no result."""

    __tablename__ = "failures"
