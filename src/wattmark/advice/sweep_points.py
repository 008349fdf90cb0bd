"""A batch-size curve: when to stop widening it, and where its sweet spots lie. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wattmark.errors import InputError
from wattmark.quantities import Quantity, Reason
from wattmark.records import Result
from wattmark.records.reading import energy_per_query
from wattmark.records.slo import Bound, Slo

#: Percentiles that a result holds.
PERCENTILES = {"50": "p50", "90": "p90", "99": "p99"}


@dataclass(frozen=True)
class SweepPoint:
    """One batch size of a setup: what it gave, or why it failed (``out_of_memory`` ...)."""

    label: str
    batch: int
    run: str
    result: Result

    @property
    def failure(self) -> str:
        """Why there are no figures; empty where there are."""
        return self.result.failure.reason if self.result.failure else ""

    @property
    def throughput(self) -> Quantity:
        """Queries per second."""
        return self.result.throughput or _none("query/s", self.failure)

    @property
    def energy_per_query(self) -> Quantity:
        """Gross joules a query, over all domains."""
        found = energy_per_query(self.result)
        return _none("J/query", self.failure) if found is None else found

    @property
    def peak_rss_bytes(self) -> int | None:
        """Largest resident memory of the worker."""
        return max((e.peak_rss_bytes for e in self.result.executions), default=None)

    def latency(self, bound: Bound) -> Quantity:
        """The percentile that a bound speaks of."""
        if self.result.latency is None:
            return _none("ms", self.failure)
        found: Quantity = getattr(self.result.latency, PERCENTILES[str(bound.percent)])
        return found

    def keeps(self, slo: Slo | None) -> bool | None:
        """Whether every bound is kept, by the estimate; None where one cannot be known."""
        if slo is None:
            return True
        found = [self.latency(bound).to("s").value for bound in slo.bounds]
        pairs = list(zip(slo.bounds, found, strict=True))
        if any(value is not None and not bound.holds(value) for bound, value in pairs):
            return False
        return None if None in found else True


def _none(unit: str, failure: str) -> Quantity:
    return Quantity.missing(unit, Reason.TRIAL_FAILED if failure else Reason.NOT_MEASURED)


@dataclass(frozen=True)
class SweetSpots:
    """Of the points that keep the objective: most throughput, and least energy (None: unknown)."""

    fastest: SweepPoint | None
    leanest: SweepPoint | None


def require_answerable(slo: Slo | None) -> None:
    """Raise InputError for an objective that a batch-size curve says nothing of."""
    for bound in slo.bounds if slo else ():
        if bound.metric != "latency" or str(bound.percent) not in PERCENTILES:
            raise InputError(f"{bound} cannot be judged here: bound p50, p90 or p99 of the latency")


def goes_on(points: Sequence[SweepPoint]) -> bool:
    """Whether a larger batch may pay: the last one did not fail, and did not lose throughput.

    It lost where all of its interval lies below the best so far.
    """
    last = points[-1]
    if last.failure or not last.throughput.known:
        return False
    best = max(p.throughput.value or 0.0 for p in points)
    return last.throughput.bounds()[2] >= best


def sweet_spots(points: Iterable[SweepPoint], slo: Slo | None) -> SweetSpots:
    """The points to choose, over all setups."""
    kept = [p for p in points if not p.failure and p.keeps(slo)]
    fast = [p for p in kept if p.throughput.known]
    lean = [p for p in kept if p.energy_per_query.known]
    return SweetSpots(
        max(fast, key=lambda p: p.throughput.bounds()[1], default=None),
        min(lean, key=lambda p: p.energy_per_query.bounds()[1], default=None),
    )
