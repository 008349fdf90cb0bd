"""Where the conductor puts what it measures, at once and durably. The store implements it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wattmark.records import ExecutionRecord, Failure, Preparation, Round, SampleFile


@dataclass(frozen=True)
class Samples:
    """Raw samples of one round, one entry per query."""

    query: NDArray[np.int32]
    start_ns: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    prediction: Sequence[str]
    score: NDArray[np.float64]
    error: Sequence[str | None]


def answered_by_both(ours: Samples, theirs: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Latencies in ns of the queries of a round that neither failed, in the same order."""
    answered = [a is None and b is None for a, b in zip(ours.error, theirs.error, strict=True)]
    return ours.latency_ns[answered], theirs.latency_ns[answered]


@dataclass
class Recorded:
    """What a run has recorded so far, in the order in which it happened."""

    preparations: dict[str, Preparation] = field(default_factory=dict)
    executions: list[ExecutionRecord] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)


class Recorder(Protocol):
    """Keeps what was measured, so that nothing is lost whenever the run ends."""

    def folder(self) -> Path:
        """The run's own folder."""
        ...

    def recorded(self) -> Recorded:
        """What is there already (a resumed run), else empty."""
        ...

    def add_preparation(self, preparation: Preparation) -> None:
        """A trial's artefact is ready."""
        ...

    def add_execution(self, execution: ExecutionRecord) -> None:
        """A worker was loaded, checked and warmed up."""
        ...

    def save_samples(
        self, trial: str, execution: int, index: int, attempt: int, samples: Samples
    ) -> SampleFile:
        """Write the raw samples of a round."""
        ...

    def load_samples(self, file: SampleFile) -> Samples:
        """Read raw samples back, checked by digest."""
        ...

    def add_round(self, done: Round) -> None:
        """A round was measured: durable when this returns."""
        ...

    def supersede(self, done: Round) -> None:
        """A contended round was repeated: keep it, but do not count it."""
        ...

    def add_failure(self, trial: str, failure: Failure) -> None:
        """A trial gives no result."""
        ...
