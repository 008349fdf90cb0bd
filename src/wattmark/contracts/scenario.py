"""How queries arrive, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts.network import Inputs, Output


@dataclass(frozen=True)
class Timeline:
    """What a scenario recorded: per query, start and latency on the monotonic clock, output."""

    start_ns: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    outputs: list[Output | None]
    errors: dict[int, str] = field(default_factory=dict)


class Scenario(Protocol):
    """How queries arrive. MLPerf's names."""

    name: str

    def run(self, answer: Callable[[Inputs], Output], queries: Sequence[Inputs]) -> Timeline:
        """Issue every query once and record the time of each."""
        ...
