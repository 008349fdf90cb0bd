"""When requests are due: pure, seeded schedules, and the closed-loop policy.

An open loop issues by the clock whatever the server does, so that a slow server shows as long
latencies and not as a lower rate (no coordinated omission: G. Schroeder, A. Wierman and
M. Harchol-Balter, "Open Versus Closed: A Cautionary Tale", NSDI 2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import InputError


def _check(rate_per_s: float, count: int) -> None:
    if not (math.isfinite(rate_per_s) and rate_per_s > 0):
        raise InputError(f"a request rate must be above 0 per second, not {rate_per_s}")
    if count < 1:
        raise InputError(f"a load needs at least 1 request, not {count}")


@dataclass(frozen=True)
class OpenLoop:
    """Requests that are due at given times.

    ``due_ns`` is an int64 array of shape (requests,), in ns from the start, ascending; ``name``
    says how it was drawn.
    """

    name: str
    due_ns: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of requests."""
        return len(self.due_ns)


@dataclass(frozen=True)
class ClosedLoop:
    """``concurrency`` requests always under way, ``count`` in all: each end starts the next.

    It has no schedule: a request is due at the moment at which the one before it ended. Raises
    InputError where either number is below 1.
    """

    concurrency: int
    count: int

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.count < 1:
            raise InputError(
                f"a closed loop needs a concurrency and a number of requests of at least 1, "
                f"not {self.concurrency} and {self.count}"
            )

    @property
    def name(self) -> str:
        """How requests arrive, for the result."""
        return f"closed-loop:{self.concurrency}"


def constant(rate_per_s: float, count: int) -> OpenLoop:
    """Request i is due ``i / rate_per_s`` seconds from the start. Raises InputError."""
    _check(rate_per_s, count)
    due = np.round(np.arange(count) * (1e9 / rate_per_s)).astype(np.int64)
    return OpenLoop(f"constant:{rate_per_s:g}/s", due)


def poisson(rate_per_s: float, count: int, seed: int) -> OpenLoop:
    """A Poisson process: independent exponential gaps of mean ``1 / rate_per_s`` seconds.

    The first request is due after the first gap. The same seed gives the same times. Raises
    InputError.
    """
    _check(rate_per_s, count)
    gaps_ns = np.random.default_rng(seed).exponential(1e9 / rate_per_s, count)
    due = np.round(np.cumsum(gaps_ns)).astype(np.int64)
    return OpenLoop(f"poisson:{rate_per_s:g}/s,seed={seed}", due)
