"""How queries arrive, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts.network import Inputs, Output
from wattmark.records import LoadgenSettings


@dataclass(frozen=True)
class Timeline:
    """What a scenario recorded: start and latency on the monotonic clock, output.

    Outputs and errors are one a call. Times are one a call too or, where the queries of a call
    arrived at different times, one a query, in the order of the calls; then ``padding`` marks the
    queries that nobody asked, which fill a call up and are not counted. ``call_ns`` is how long
    each call took; None where that is its latency.
    """

    start_ns: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    outputs: list[Output | None]
    errors: dict[int, str] = field(default_factory=dict)
    padding: NDArray[np.bool_] | None = None
    call_ns: NDArray[np.int64] | None = None


class Scenario(Protocol):
    """How queries arrive. MLPerf's names."""

    name: str

    def run(self, answer: Callable[[Inputs], Output], queries: Sequence[Inputs]) -> Timeline:
        """Issue every query once and record the time of each."""
        ...


@dataclass(frozen=True)
class Pace:
    """How fast a setup answers, as far as the warm-up tells: seconds of its fastest call and of
    all calls on average, and the queries of a call."""

    fastest_s: float
    mean_s: float
    batch: int


class LoadgenScenario(Protocol):
    """A scenario that LoadGen drives.

    ``inline`` says that the next query comes only when the last is answered, so that it can be
    answered where it is issued. ``strict_duration_s`` and ``strict_queries`` are MLPerf's minimums.
    """

    name: str
    inline: bool
    strict_duration_s: float
    strict_queries: int

    def lacks(self, wanted: LoadgenSettings) -> str:
        """What the settings lack for it; empty if nothing."""
        ...

    def configure(self, test: Any, wanted: LoadgenSettings, pace: Pace) -> None:
        """Set what is this scenario's own in LoadGen's ``TestSettings``; it lacks nothing."""
        ...
