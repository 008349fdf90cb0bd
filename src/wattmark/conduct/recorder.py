"""Where the conductor puts what it measures, at once and durably. The store implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wattmark.records import ExecutionRecord, Failure, IdleRecord, Preparation, Round, SampleFile
from wattmark.statistics import round_log_ratios


def _no_phases() -> NDArray[Any]:
    return np.zeros((0, 0))


@dataclass(frozen=True)
class Samples:
    """Raw samples of one round, one entry per query asked (in a filled-up batch some twice).

    ``phase_ns`` and ``phase_units`` are (queries, phases) in the order of the round's phases.
    ``batch`` says which call a query was in and ``batch_ns`` how long that took; both are empty
    in records from before they were kept.
    """

    query: NDArray[np.int32]
    start_ns: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    prediction: Sequence[str]
    score: NDArray[np.float64]
    error: Sequence[str | None]
    phase_ns: NDArray[np.int64] = field(default_factory=_no_phases)
    phase_units: NDArray[np.float64] = field(default_factory=_no_phases)
    batch: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    batch_ns: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def answered(self) -> dict[int, int]:
        """Position of the first answer to each query that did not fail."""
        found: dict[int, int] = {}
        for position, (query, error) in enumerate(zip(self.query, self.error, strict=True)):
            if error is None:
                found.setdefault(int(query), position)
        return found


def answered_by_both(ours: Samples, theirs: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Latencies in ns of the queries that neither failed, in the same order.

    Without those that took one of them less than a tick of its clock: they have no ratio.
    """
    mine, other = ours.answered(), theirs.answered()
    common = sorted(mine.keys() & other.keys())
    first = ours.latency_ns[[mine[query] for query in common]]
    second = theirs.latency_ns[[other[query] for query in common]]
    timed = (first > 0) & (second > 0)
    return first[timed], second[timed]


def log_latency_ratios(
    ours: Mapping[int, Samples], theirs: Mapping[int, Samples]
) -> dict[int, float]:
    """The log ratio of each round that both had, by index; without those that answered nothing."""
    common = sorted(ours.keys() & theirs.keys())
    pairs = {index: answered_by_both(ours[index], theirs[index]) for index in common}
    answered = {index: pair for index, pair in pairs.items() if pair[0].size}
    logs = round_log_ratios([a for a, _ in answered.values()], [b for _, b in answered.values()])
    return dict(zip(answered, logs.tolist(), strict=True))


@dataclass
class Recorded:
    """What a run has recorded so far, in the order in which it happened."""

    preparations: dict[str, Preparation] = field(default_factory=dict)
    executions: list[ExecutionRecord] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    idle: list[IdleRecord] = field(default_factory=list)
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

    def add_idle(self, idle: IdleRecord) -> None:
        """What the devices drew while all workers were blocked."""
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
