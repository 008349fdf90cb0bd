"""What a load says of tokens: their counts, the rate at which they came, and the gaps between."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattmark.endpoints.outcomes import Request
from wattmark.endpoints.token_times import UNCOUNTED, gaps_ns
from wattmark.quantities import Quantity, Reason
from wattmark.records import Latency, TokenCounts
from wattmark.results.phase_results import latency
from wattmark.statistics import pooled_rate

PERCENTS = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}


def no_times(reason: Reason, detail: str = "") -> Latency:
    """No percentile, for that reason."""
    none = Quantity.missing("ms", reason, detail)
    return Latency(p50=none, p90=none, p95=none, p99=none, mean=none)


def most_said(whys: Sequence[str]) -> str:
    """The reason that is given most often; "" where there is none."""
    return max(sorted(set(whys)), key=whys.count, default="")


def time_between_tokens(
    valid: Sequence[Request], blocks: Sequence[list[int]], missing: Reason
) -> Latency:
    """Percentiles in ms of all gaps between tokens that follow each other in a reply."""
    found = [gaps_ns(request) for request in valid]
    groups: list[NDArray[np.float64]] = []
    for block in blocks:
        gaps = [g / 1e6 for at in block if not isinstance(g := found[at], str)]
        if gaps:
            groups.append(np.concatenate(gaps))
    if not groups:
        return no_times(missing, most_said([why for why in found if isinstance(why, str)]))
    return latency(groups)


def tokens_per_second(
    valid: Sequence[Request], blocks: Sequence[list[int]], seconds: Sequence[float]
) -> Quantity:
    """Tokens that valid replies held, over the time of the load."""
    if not valid or any(r.tokens_out is None for r in valid):
        return Quantity.missing("token/s", Reason.NOT_MEASURED, _uncounted(valid))
    tokens = [sum(valid[at].tokens_out or 0 for at in block) for block in blocks]
    return pooled_rate(tokens, seconds, "token/s")


def tokens_per_query(valid: Sequence[Request], counts: Sequence[int | None]) -> Quantity:
    """The mean count; missing where one was not counted."""
    known = [count for count in counts if count is not None]
    if not counts or len(known) < len(counts):
        return Quantity.missing("token/query", Reason.NOT_MEASURED, _uncounted(valid))
    return Quantity.exact(sum(known) / len(known), "token/query")


def token_counts(valid: Sequence[Request], counts: Sequence[int | None]) -> TokenCounts:
    """Percentiles of the counts by their ranks; missing where one was not counted."""
    known = sorted(count for count in counts if count is not None)
    if not counts or len(known) < len(counts):
        none = Quantity.missing("token/query", Reason.NOT_MEASURED, _uncounted(valid))
        return TokenCounts(**dict.fromkeys(PERCENTS, none))
    at = {name: known[math.ceil(len(known) * p / 100) - 1] for name, p in PERCENTS.items()}
    return TokenCounts(**{name: Quantity.exact(n, "token/query") for name, n in at.items()})


def _uncounted(valid: Sequence[Request]) -> str:
    return most_said([r.count_fault for r in valid if r.count_fault]) or UNCOUNTED
