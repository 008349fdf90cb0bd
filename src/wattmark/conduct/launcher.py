"""Where workers run: what starts one, and what was started.

A conductor and ``serve`` ask a `Launcher` for a worker of a job and talk to it over its channel.
They do not know whether it is a process of this machine, of a container or of another node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wattmark.worker.jobs import Job
from wattmark.worker.messages import Channel


@dataclass(frozen=True)
class ExitStatus:
    """How a worker ended: a code for machines, and words that go on from its name."""

    reason: str
    words: str


class StartedWorker(Protocol):
    """A worker that a launcher started."""

    #: pipes for messages; who talks to the worker closes them
    channel: Channel

    def log(self) -> str:
        """What the worker and its frameworks have printed so far."""
        ...

    def wait(self, timeout_s: float | None = None) -> ExitStatus | None:
        """Wait until it has ended: how; None where it still runs after ``timeout_s``."""
        ...

    def kill(self) -> None:
        """End it now, with all that it started. Nothing happens where it has ended."""
        ...


class Launcher(Protocol):
    """Starts workers: each runs ``python -m wattmark.worker``, and dies with its launcher."""

    def start(
        self, job: Job, folder: Path, name: str, environment: Mapping[str, str]
    ) -> StartedWorker:
        """Start a worker of a job; returns at once.

        ``folder`` exists and is where the worker may leave files of its own, named by ``name``
        (of letters, digits and ``.=_-``). ``environment`` is set before anything is imported.
        The job's paths are this machine's: a launcher that goes elsewhere makes them valid there.
        Raises WorkerError where nothing can be started.
        """
        ...
