"""What the conductor asks of a worker: a job file, and commands over the channel.

:mod:`wattmark.worker.kinds` says what kinds of jobs there are. A *prepare* or *reference* job is
done once and answered once. A *measure* job lives on and answers ``warm-up``, ``round`` and
``quit`` commands (see :mod:`wattmark.worker.worker`).
"""

from __future__ import annotations

from pathlib import Path

from wattmark.records import LoadgenSettings, Record, Setup
from wattmark.worker.messages import Channel


class Job(Record):
    """Everything that a worker needs to know. Paths are absolute.

    ``held_out`` holds texts that it is judged by, ``losses`` is the file that keeps what they cost
    it, and ``losses_limit_s`` the time that it may take in one life; None where there are none.
    """

    kind: str
    task: str
    model: str
    setup: Setup
    scenario: str
    loadgen: LoadgenSettings | None = None
    artefact: Path
    shared: Path
    inputs: Path
    calibration: Path
    reference: Path
    check_queries: tuple[int, ...]
    threads: int
    cpus: tuple[int, ...]
    meters: tuple[str, ...] = ()
    whole_node: bool = False
    held_out: Path | None = None
    losses: Path | None = None
    losses_limit_s: float = 0.0
    warm_up_limit: int = 30
    warm_up_limit_s: float = 60.0


class Reply(Record):
    """An answer: exactly one of ``ok`` (with data) or ``error``."""

    ok: bool
    data: dict[str, object] = {}
    error_type: str = ""
    error: str = ""


def answer(channel: Channel, data: dict[str, object]) -> None:
    """Tell the conductor what came out."""
    channel.send(Reply(ok=True, data=data).model_dump(mode="json"))
