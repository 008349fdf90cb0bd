"""How a load keeps its objective: the share of requests within each limit, and goodput."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wattmark.endpoints.outcomes import Request
from wattmark.endpoints.token_times import tpot_ns
from wattmark.quantities import Quantity, Reason
from wattmark.records import SloShare
from wattmark.records.slo import Bound, Slo
from wattmark.statistics import accuracy_quantity, pooled_rate
from wattmark.statistics.percentiles import at_most_below, interval_ranks


def goodput(
    slo: Slo | None, valid: Sequence[Request], blocks: Sequence[list[int]], seconds: Sequence[float]
) -> Quantity:
    """Requests a second that keep every limit."""
    if slo is None:
        return Quantity.missing("query/s", Reason.NOT_ASKED, "no objective was given")
    kept = [slo.kept_by(_seconds(request)) for request in valid]
    return pooled_rate([sum(kept[at] for at in b) for b in blocks], seconds, "query/s")


def shares(slo: Slo | None, requests: Sequence[Request]) -> tuple[SloShare, ...]:
    """Each bound over all requests; a failed one keeps none."""
    found = []
    for bound in slo.bounds if slo else ():
        times_s = [None if r.failure else _seconds(r)[bound.metric] for r in requests]
        kept = sum(value_s is not None and bound.holds(value_s) for value_s in times_s)
        share = accuracy_quantity(kept, len(requests))
        enough = bool(requests) and kept >= _rank(bound, len(requests))
        found.append(
            SloShare(
                bound=str(bound), share=share, kept=enough, figure=_figure(bound, times_s, requests)
            )
        )
    return tuple(found)


def _figure(bound: Bound, times_s: Sequence[float | None], requests: Sequence[Request]) -> Quantity:
    """The percentile of a bound over all requests, in ms; one without a time is above all others.

    The interval is that of order statistics (:mod:`wattmark.statistics.percentiles`). Where the
    requests are too few for one at 95 %, or its upper end falls among those without a time, it
    is the widest that there is, and its level says what that covers.
    """
    n = len(times_s)
    known_ms = np.sort(np.array([s for s in times_s if s is not None])) * 1e3
    rank = _rank(bound, n)
    if n == 0 or rank > known_ms.size:
        return Quantity.missing("ms", Reason.NOT_MEASURED, _why(bound, times_s, requests))
    below = at_most_below(n, bound.quantile)
    lower, upper = interval_ranks(below, 0.95)
    upper = min(known_ms.size, upper)
    level = float(below[upper - 1] - below[lower - 1])
    value, low, high = (float(known_ms[k - 1]) for k in (rank, lower, upper))
    return Quantity.between(value, low, high, "ms", level=min(0.95, max(0.0, level)))


def _rank(bound: Bound, requests: int) -> int:
    """Which request, by ascending time, is the percentile of a bound; the first is 1."""
    return max(1, math.ceil(requests * bound.percent / 100))


def _why(bound: Bound, times_s: Sequence[float | None], requests: Sequence[Request]) -> str:
    without = sum(value_s is None for value_s in times_s)
    detail = f"{without} of {len(times_s)} requests have no such time"
    if bound.metric == "tpot":
        whys = [why for r in requests if not r.failure and isinstance(why := tpot_ns(r), str)]
        return f"{detail}: {max(set(whys), key=whys.count)}" if whys else detail
    return detail


def _seconds(request: Request) -> dict[str, float | None]:
    ttft, tpot = request.ttft_ns, tpot_ns(request)
    return {
        "latency": request.latency_ns / 1e9,
        "ttft": None if ttft is None else ttft / 1e9,
        "tpot": None if isinstance(tpot, str) else tpot / 1e9,
    }
