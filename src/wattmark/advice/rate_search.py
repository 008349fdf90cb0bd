"""The highest rate of queries that is sustained. Pure: what a rate does is asked of the caller.

A batch that waits until it is full (static) keeps a bound of latency neither at too high a rate nor
at too low a one, so that a bisection may look on the wrong side. The search comes down from above
in equal ratios until a rate is sustained, and then halves (geometrically) what lies above that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RateSearch:
    """``sustained`` is the highest rate that was, None if none; ``refused`` the next one above."""

    sustained: float | None
    refused: float | None
    probes: tuple[tuple[float, bool], ...]


def highest_rate(
    sustains: Callable[[float], bool],
    ceiling: float,
    *,
    least: float = 0.0,
    step: float = 0.75,
    probes: int = 8,
    refinements: int = 2,
) -> RateSearch:
    """Search from ``ceiling`` down, not below ``least``, with so many probes before refining."""
    tried: list[tuple[float, bool]] = []

    def probe(rate: float) -> bool:
        tried.append((rate, sustains(rate)))
        return tried[-1][1]

    rate, refused = ceiling, None
    for _ in range(probes):
        if probe(rate):
            break
        refused, rate = rate, step * rate
        if rate < least:
            return RateSearch(None, refused, tuple(tried))
    else:
        return RateSearch(None, refused, tuple(tried))
    for _ in range(refinements if refused is not None else 0):
        assert refused is not None
        middle = math.sqrt(rate * refused)
        if probe(middle):
            rate = middle
        else:
            refused = middle
    return RateSearch(rate, refused, tuple(tried))
