"""What the conductor asks of a child process: a job file, and commands over the channel.

A *prepare* or *reference* job is done once and answered once. A *measure* job lives on and
answers ``warm-up``, ``round`` and ``quit`` commands (see :mod:`wattmark.worker.worker`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from wattmark.records import LoadgenSettings, Record, Setup


class Job(Record):
    """Everything that a child process needs to know. Paths are absolute."""

    kind: Literal["prepare", "reference", "measure"]
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
    warm_up_limit: int = 30
    warm_up_limit_s: float = 60.0


class Reply(Record):
    """An answer: exactly one of ``ok`` (with data) or ``error``."""

    ok: bool
    data: dict[str, object] = {}
    error_type: str = ""
    error: str = ""
