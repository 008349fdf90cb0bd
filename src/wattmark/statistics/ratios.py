"""How much faster, or more frugal: the ratio of a setup to the baseline, from paired rounds.

Setup and baseline take turns on the same queries, so that drift of the machine hits both and
cancels in the ratio of a round. Everything is done on logarithms: log(a / b) = -log(b / a), so
that the result does not depend on which of the two is called the baseline.

*Within a round* the ratio is the median over queries of log(latency / baseline latency of the
same query). Queries come in padding buckets of different length, so latencies have several modes:
a ratio of two medians jumps when a few queries change sides, the median of paired ratios does not;
and a burst of contention that hits under half of a round leaves it where it is.

*Over rounds* the estimate is the 20 % trimmed mean: nearly as precise as the mean where rounds
are well-behaved, and unmoved by a round in which one of the two was disturbed. Below five rounds
that is the mean, for there is nothing to trim.

*The interval* has one part for each level of repetition, after Kalibera and Jones [1]_:

1. queries: bootstrap of the queries within each round, the rounds held fixed;
2. rounds: bootstrap of whole rounds, within each execution;
3. executions: what the executions differ by beyond what their rounds explain.

The observed spread of rounds already contains the sampling error of their queries. Resampling
both at once would count it twice [2]_; therefore the wider of 1 and 2 is taken (the usual
variance-components estimate, cut off at zero), and 3 is added in quadrature.

A percentile bootstrap of three to ten rounds is too narrow [3]_: it omits the factor
``sqrt(n / (n - 1))`` and uses the normal in place of Student's t, and its tails hold only values
that occurred. Level 2 therefore takes the spread of the bootstrap distribution from its central
68.3 % and scales it by both.

References
----------
.. [1] T. Kalibera and R. Jones, "Rigorous benchmarking in reasonable time", ISMM 2013.
.. [2] C. A. Field and A. H. Welsh, "Bootstrapping clustered data", JRSS B 69 (2007) 369-390.
.. [3] T. C. Hesterberg, "What teachers should know about the bootstrap", The American
   Statistician 69 (2015) 371-386.
.. [4] R. R. Wilcox, *Introduction to Robust Estimation and Hypothesis Testing*, 4th ed.,
   Academic Press 2017, chapter 3 (trimmed means).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wattmark.quantities import Quantity, Reason

Array = NDArray[np.float64]

#: Fewer paired rounds than this give no ratio.
MIN_ROUNDS = 3
#: Share of rounds that the estimate leaves out at each end [4]_.
TRIM = 0.2
#: Two executions show a shift but cannot bound it (Student's t would ask for 12.7 standard
#: errors). Two standard errors of a pair are its difference: the shift that was seen. Where
#: executions vary far more than rounds that covers 70 % of the time, with three or more 93 %.
SHIFT_OF_TWO = 2.0


def paired_ratio(
    setup_rounds: Sequence[ArrayLike],
    baseline_rounds: Sequence[ArrayLike],
    *,
    executions: Sequence[int] | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Quantity:
    """Latency of a setup over that of the baseline, from rounds of the same queries.

    Parameters
    ----------
    setup_rounds, baseline_rounds : sequences of array_like
        Round i of both holds the latencies of the same queries in the same order, shape (m_i,),
        positive, in the same unit.
    executions : sequence of int, optional
        The execution (worker process) that each round belongs to.
    level : float
        Confidence level.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    Quantity
        Unit ``1``, below 1 where the setup is faster. Missing with fewer than three rounds.
        ``detail`` tells of executions that differ beyond their rounds.

    Raises
    ------
    ValueError
        Where rounds or queries do not pair up, or a latency is not positive and finite.
    """
    pairs = [_log_ratios(*p) for p in _paired(setup_rounds, baseline_rounds)]
    if len(pairs) < MIN_ROUNDS:
        return _too_few(len(pairs))
    rng = np.random.default_rng(seed)
    medians = np.stack([_bootstrap_medians(np.sort(p), resamples, rng) for p in pairs], axis=1)
    query_error = float(_trimmed_mean(medians).std())
    rounds = np.array([np.median(p) for p in pairs])
    return _ratio(rounds, query_error, executions, level, resamples, rng)


def paired_total_ratio(
    setup_totals: ArrayLike,
    baseline_totals: ArrayLike,
    *,
    executions: Sequence[int] | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Quantity:
    """The same for one total a round (CPU seconds, joules) of the same queries.

    The trimmed mean of the rounds' log ratios is preferred to sum over sum: a disturbed round
    weighs more in a sum the more it was disturbed. Shapes (n,), positive, the same unit in both.
    Missing with fewer than three rounds, or where a total is 0. Raises ValueError where the
    shapes differ or a total is negative or not finite.
    """
    setup = np.asarray(setup_totals, dtype=np.float64)
    baseline = np.asarray(baseline_totals, dtype=np.float64)
    if setup.size < MIN_ROUNDS and setup.shape == baseline.shape:
        return _too_few(setup.size)
    if (setup == 0).any() or (baseline == 0).any():
        return Quantity.missing("1", Reason.WINDOW_TOO_SHORT, "the total of a round is zero")
    rounds = _log_ratios(setup, baseline)
    return _ratio(rounds, 0.0, executions, level, resamples, np.random.default_rng(seed))


def round_log_ratios(
    setup_rounds: Sequence[ArrayLike], baseline_rounds: Sequence[ArrayLike]
) -> Array:
    """The log ratio of each round, shape (rounds,): what the stopping rule looks at.

    Arguments and errors as in :func:`paired_ratio`.
    """
    pairs = _paired(setup_rounds, baseline_rounds)
    return np.array([np.median(_log_ratios(*p)) for p in pairs], dtype=np.float64)


def _paired(
    setup: Sequence[ArrayLike], baseline: Sequence[ArrayLike]
) -> list[tuple[ArrayLike, ArrayLike]]:
    if len(setup) != len(baseline):
        raise ValueError(f"rounds do not pair up: {len(setup)} and {len(baseline)}")
    return list(zip(setup, baseline, strict=True))


def _log_ratios(setup: ArrayLike, baseline: ArrayLike) -> Array:
    a, b = np.asarray(setup, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"measurements do not pair up: shapes {a.shape} and {b.shape}")
    if not all(np.isfinite(v).all() and (v > 0).all() for v in (a, b)):
        raise ValueError("measurements must be positive and finite: leave failed ones out of both")
    logs: Array = np.log(a) - np.log(b)
    return logs


def _too_few(rounds: int) -> Quantity:
    detail = f"{rounds} paired round(s); a ratio takes at least {MIN_ROUNDS}"
    return Quantity.missing("1", Reason.TOO_FEW_SAMPLES, detail)


def _trimmed_mean(values: Array) -> Array:
    """Over the last axis."""
    n = values.shape[-1]
    cut = int(TRIM * n)
    mean: Array = np.sort(values, axis=-1)[..., cut : n - cut].mean(axis=-1)
    return mean


def _bootstrap_medians(ordered: Array, resamples: int, rng: np.random.Generator) -> Array:
    """Medians of bootstrap samples, drawn from their exact distribution without the samples.

    The k-th of m uniform draws in order is Beta(k, m - k + 1), and the next one lies a
    Beta(1, m - k) share of the remaining way up; ``ordered[floor(u m)]`` is then the order
    statistic of a bootstrap sample.
    """
    m = ordered.size
    k = (m + 1) // 2
    below = rng.beta(k, m - k + 1, resamples)
    above = below if m % 2 else below + (1 - below) * rng.beta(1, m - k, resamples)
    ranks = np.minimum((np.stack([below, above]) * m).astype(np.int64), m - 1)
    medians: Array = ordered[ranks].mean(axis=0)
    return medians


@dataclass(frozen=True)
class _RoundLevel:
    """Standard error of the estimate from the spread of rounds, and its degrees of freedom."""

    error: float
    degrees: int


def _round_level(
    rounds: Array, strata: list[NDArray[np.intp]], resamples: int, rng: np.random.Generator
) -> _RoundLevel:
    drawn = np.concatenate([s[rng.integers(s.size, size=(resamples, s.size))] for s in strata], 1)
    low, high = np.quantile(_trimmed_mean(rounds[drawn]), [0.15866, 0.84134])
    size = rounds.size / len(strata)
    return _RoundLevel(
        error=float(high - low) / 2 * math.sqrt(size / (size - 1)),
        degrees=rounds.size - len(strata),
    )


def _ratio(
    rounds: Array,
    query_error: float,
    executions: Sequence[int] | None,
    level: float,
    resamples: int,
    rng: np.random.Generator,
) -> Quantity:
    from scipy.special import ndtri, stdtrit

    labels = np.zeros(rounds.size, np.intp) if executions is None else np.asarray(executions)
    if labels.shape != rounds.shape:
        raise ValueError(f"{labels.size} executions given for {rounds.size} rounds")
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    strata = groups if min(g.size for g in groups) > 1 else [np.arange(rounds.size)]
    between = _round_level(rounds, strata, resamples, rng)
    p = (1 + level) / 2
    half = max(float(ndtri(p)) * query_error, float(stdtrit(between.degrees, p)) * between.error)
    detail = ""
    if len(groups) > 1:
        means = np.array([_trimmed_mean(rounds[g]) for g in groups])
        excess = means.var(ddof=1) / means.size - max(query_error, between.error) ** 2
        if excess > 0:
            k = means.size
            scale = SHIFT_OF_TWO if k == 2 else float(stdtrit(k - 1, p))
            half = math.hypot(half, scale * math.sqrt(excess))
            detail = f"executions lie up to {100 * math.expm1(np.ptp(means)):.1f} % apart"
    estimate = float(_trimmed_mean(rounds))
    return Quantity(
        value=math.exp(estimate),
        unit="1",
        low=math.exp(estimate - half),
        high=math.exp(estimate + half),
        level=level,
        detail=detail,
    )
