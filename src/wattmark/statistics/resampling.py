"""Intervals of a metric over a sample, and of its ratio to the reference's, by bootstrap.

For metrics that are more than a share of right answers: means of graded scores (ROUGE, F1), a
rank correlation, a word error rate, an mAP. Queries are drawn with replacement, the same ones for
a setup and for the reference, so that what is hard for both cancels in their ratio.

The plain percentile interval is too narrow in small samples; here its tail probability is
expanded to ``Phi(-sqrt(n / (n - 1)) * t)`` with Student's t of n - 1 degrees of freedom [1]_.

References
----------
.. [1] T. C. Hesterberg, "What teachers should know about the bootstrap", The American
   Statistician 69 (2015) 371-386, section 4.2 (expanded percentile interval).
.. [2] B. Efron and R. J. Tibshirani, *An Introduction to the Bootstrap*, Chapman & Hall 1993.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wattmark.quantities import Quantity, Reason

RESAMPLES = 1000
#: Fewer queries than this give a value without a believable interval.
MIN_QUERIES = 3

Statistic = Callable[[NDArray[np.intp]], float]


def tail_probability(n: int, level: float) -> float:
    """Probability to cut off at each end of the bootstrap distribution of n queries [1]_."""
    from scipy.special import ndtr, stdtrit

    t = float(stdtrit(n - 1, (1 + level) / 2))
    return float(ndtr(-math.sqrt(n / (n - 1)) * t))


def resampled_metric(
    statistic: Statistic, n: int, unit: str = "1", *, level: float = 0.95, seed: int = 0
) -> Quantity:
    """The metric over all ``n`` queries with its interval.

    ``statistic(indices)`` gives the metric over the queries with these indices (with repeats);
    nan where it is not defined for them. Missing where fewer than 3 queries were answered, or
    where the metric is not defined for the whole sample.
    """
    return _interval(statistic, n, unit, level, seed)


def resampled_ratio(
    setup: Statistic, reference: Statistic, n: int, *, level: float = 0.95, seed: int = 0
) -> Quantity:
    """The setup's metric over the reference's on the same ``n`` queries, with its interval.

    Missing also where the reference's metric is 0.
    """

    def ratio(indices: NDArray[np.intp]) -> float:
        below = reference(indices)
        return setup(indices) / below if below else math.nan

    if n >= MIN_QUERIES and not reference(np.arange(n)):
        detail = "the reference's metric is 0"
        return Quantity.missing("1", Reason.NO_CORRECT_ANSWER, detail)
    return _interval(ratio, n, "1", level, seed)


def _interval(statistic: Statistic, n: int, unit: str, level: float, seed: int) -> Quantity:
    if n < MIN_QUERIES:
        detail = f"{n} answered; an interval takes at least {MIN_QUERIES}"
        return Quantity.missing(unit, Reason.TOO_FEW_SAMPLES, detail)
    value = statistic(np.arange(n))
    if not math.isfinite(value):
        return Quantity.missing(unit, Reason.TOO_FEW_SAMPLES, "not defined for this sample")
    rng = np.random.default_rng(seed)
    draws = np.array([statistic(rng.integers(0, n, n)) for _ in range(RESAMPLES)])
    draws = draws[np.isfinite(draws)]
    if draws.size < RESAMPLES / 2:
        detail = "not defined for most resamples of so small a sample"
        return Quantity.missing(unit, Reason.TOO_FEW_SAMPLES, detail)
    tail = tail_probability(n, level)
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Quantity.between(
        value, min(float(low), value), max(float(high), value), unit, level=level
    )
