"""MLPerf's early stopping, as LoadGen decides it after a run: tail latency from few queries.

A run of n queries shows at confidence c that at least a share p lies under a latency where, of a
system for which exactly p did, at most ``1 - c`` of such runs had as few over-latency queries. With
t of them and ``h = n - t``, the smallest h counts for which [1]_ [2]_::

    P(at most t over in h + t) = I_p(h, t + 1) < 1 - c

``I`` is the regularised incomplete beta function. LoadGen uses c = 0.99 and no tolerance, and so
does this module: same verdict, same estimate, same advice. LoadGen cuts its series for ``I`` at
2^-33; for p of 90, 95, 97, 99 and 99.9 % that changes no threshold up to 3 000 over-latency
queries, and `benchmarks/loadgen_conformance.py` compares both on real LoadGen runs.

The rule holds for one look at a number of queries fixed beforehand. Whoever runs on until it is
met is wrong far more often: see :mod:`~wattmark.statistics.sequential_latency`.

References
----------
.. [1] MLCommons, *MLPerf Inference Rules*, "Early Stopping", and LoadGen 6.0
   (``early_stopping.cc``, ``results.cc``).
.. [2] NIST, *Digital Library of Mathematical Functions*, 8.17.5: binomial sums as ``I``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: LoadGen's confidence; it cannot be set there.
CONFIDENCE = 0.99


@dataclass(frozen=True, slots=True)
class ServerVerdict:
    """Whether a server run shows its percentile.

    ``more_queries`` is how many further queries would be needed if all of them were under the
    latency; 0 where the run passed.
    """

    passed: bool
    queries: int
    over_latency: int
    more_queries: int


@dataclass(frozen=True, slots=True)
class StreamEstimate:
    """A latency under which at least the share p of queries lies, at the rule's confidence.

    ``latency_ns`` is a measured latency, the largest after the ``discarded`` largest are left out;
    None where ``queries`` are fewer than ``queries_needed``.
    """

    latency_ns: int | None
    discarded: int
    queries: int
    queries_needed: int


def queries_needed(percentile: float, over_latency: int, confidence: float = CONFIDENCE) -> int:
    """Fewest queries that show ``percentile`` with that many of them over the latency.

    ``percentile`` is a share (0.99). Raises ValueError where it or ``confidence`` is not strictly
    between 0 and 1, or the count is negative.
    """
    _check(percentile, confidence)
    if over_latency < 0:
        raise ValueError(f"{over_latency} over-latency queries: a count is not negative")
    return _queries_needed(float(percentile), int(over_latency), float(confidence))


def server_verdict(
    latencies_ns: ArrayLike,
    target_latency_ns: int,
    percentile: float,
    confidence: float = CONFIDENCE,
) -> ServerVerdict:
    """Whether at least ``percentile`` of queries lies within the target, as LoadGen's server says.

    Parameters
    ----------
    latencies_ns : array_like of int, shape (n,)
        Nanoseconds from scheduled arrival to completion, in any order; at least one.
    target_latency_ns : int
        A query is over the latency where it took longer than this.
    percentile, confidence : float
        As in :func:`queries_needed`.

    Raises
    ------
    ValueError
        Where an argument is out of range or the latencies are not whole nanoseconds.
    """
    latencies = _whole(latencies_ns)
    over = int(np.count_nonzero(latencies > target_latency_ns))
    more = max(0, queries_needed(percentile, over, confidence) - latencies.size)
    return ServerVerdict(more == 0, latencies.size, over, more)


def stream_estimate(
    latencies_ns: ArrayLike, percentile: float, confidence: float = CONFIDENCE
) -> StreamEstimate:
    """Percentile estimate that LoadGen reports for single-stream and multi-stream runs.

    With t the largest count for which n queries are enough, it is the t-th largest latency. LoadGen
    begins at t = 1, so that it wants more queries than t = 0 would take: 64 for p90, 662 for p99.

    Parameters
    ----------
    latencies_ns : array_like of int, shape (n,)
        Nanoseconds per query in any order, at least one; in multi-stream the slowest sample of
        each query.
    percentile, confidence : float
        As in :func:`queries_needed`.

    Raises
    ------
    ValueError
        Where an argument is out of range or the latencies are not whole nanoseconds.
    """
    latencies = _whole(latencies_ns)
    n = latencies.size
    needed = queries_needed(percentile, 1, confidence)
    if n < needed:
        return StreamEstimate(None, 0, n, needed)
    enough, too_many = 1, n
    while too_many - enough > 1:
        middle = (enough + too_many) // 2
        if _chance(n - middle, middle, percentile) < 1 - confidence:
            enough = middle
        else:
            too_many = middle
    latency_ns = int(np.partition(latencies, n - enough)[n - enough])
    return StreamEstimate(latency_ns, enough - 1, n, needed)


def _chance(under: int, over: int, percentile: float) -> float:
    """Probability of at most ``over`` in ``under + over`` where the true share is exactly met."""
    from scipy.special import betainc

    return float(betainc(under, over + 1, percentile))


@lru_cache(maxsize=65536)
def _queries_needed(percentile: float, over: int, confidence: float) -> int:
    too_few = 0
    enough = math.ceil(math.log(1 - confidence) / math.log(percentile)) + over
    while not _chance(enough, over, percentile) < 1 - confidence:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if _chance(middle, over, percentile) < 1 - confidence:
            enough = middle
        else:
            too_few = middle
    return enough + over


def _check(percentile: float, confidence: float) -> None:
    for name, value in (("percentile", percentile), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ValueError(f"{name} is a share strictly between 0 and 1, got {value}")


def _whole(latencies_ns: ArrayLike) -> NDArray[np.int64]:
    latencies = np.asarray(latencies_ns)
    if latencies.ndim != 1 or not latencies.size:
        raise ValueError(f"one latency a query, at least one: got shape {latencies.shape}")
    if not np.issubdtype(latencies.dtype, np.integer):
        raise ValueError(f"latencies are whole nanoseconds, got {latencies.dtype}")
    return latencies.astype(np.int64, copy=False)
