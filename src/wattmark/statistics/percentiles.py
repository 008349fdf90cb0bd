"""Percentiles with distribution-free intervals, from the order statistics of the sample.

Queries of one round share its weather: they say less than as many independent ones. How much less
is the *design effect* of survey statistics [3]_: the variance of the share of queries under the
percentile, as rounds show it, over that of as many independent queries. The arms of the interval by
order statistics are stretched by its root (Woodruff's method [4]_, on the logarithm).

References
----------
.. [1] H. A. David and H. N. Nagaraja, *Order Statistics*, 3rd ed., Wiley 2003, section 7.1.
.. [2] W. Q. Meeker, G. J. Hahn and L. A. Escobar, *Statistical Intervals*, 2nd ed.,
   Wiley 2017, section 5.2.
.. [3] L. Kish, *Survey Sampling*, Wiley 1965, section 8.2.
.. [4] R. S. Woodruff, "Confidence intervals for medians and other position measures", JASA 47
   (1952) 635-646.
.. [5] W. Q. Meeker, G. J. Hahn and L. A. Escobar, as above, section 4.4: variance of a normal
   quantile's estimate.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wattmark.quantities import Quantity, Reason


class TooFewSamplesError(ValueError):
    """No interval of that level exists for so few samples; ``needed`` is how many it takes."""

    def __init__(self, samples: int, needed: int, p: float, level: float) -> None:
        self.needed = needed
        super().__init__(
            f"{samples} samples are too few for an interval of the {100 * p:g}th percentile "
            f"at level {level:g}: at least {needed} are needed"
        )


def samples_needed(p: float, level: float = 0.95) -> int:
    """The smallest sample for which both ends of :func:`percentile_interval` exist.

    The lowest sample is below the percentile unless all are above it, and so on: with
    ``alpha = 1 - level`` it takes ``max(p, 1 - p) ** n <= alpha / 2``. That is 6 samples for
    the median, 36 for the 90th and 368 for the 99th percentile at level 0.95.
    """
    return max(1, math.ceil(math.log((1 - level) / 2) / math.log(max(p, 1 - p)) - 1e-9))


def percentile_interval(
    samples: ArrayLike, p: float, level: float = 0.95
) -> tuple[float, float, float]:
    """The ``p`` quantile of independent samples, with a distribution-free interval.

    The estimate is the order statistic of rank ``ceil(n p)``: a value that really occurred. The
    interval ``[x_(l), x_(u)]`` follows from the number of samples below the true quantile, which
    is binomial ``B(n, p)`` [1]_ [2]_::

        l = max { l : P(B <= l - 1) <= alpha / 2 }     u = min { u : P(B >= u) <= alpha / 2 }

    Its coverage is at least ``level`` for every continuous distribution. Samples that rounds
    correlate carry less information than their number says: :func:`percentile_over_rounds`.

    Parameters
    ----------
    samples : array_like, shape (n,), any unit
    p : float
        Strictly between 0 and 1.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Estimate, low, high, in the unit of the samples.

    Raises
    ------
    TooFewSamplesError
        Where ``n`` is under :func:`samples_needed`.
    ValueError
        Where ``p`` or ``level`` is not inside (0, 1), or a sample is not finite.
    """
    if not (0 < p < 1 and 0 < level < 1):
        raise ValueError(f"p and level lie strictly between 0 and 1, got {p} and {level}")
    ordered: NDArray[np.float64] = np.sort(np.asarray(samples, dtype=np.float64).ravel())
    if not np.isfinite(ordered).all():
        raise ValueError("samples must be finite: leave failed queries out before")
    n = ordered.size
    if n < (needed := samples_needed(p, level)):
        raise TooFewSamplesError(n, needed, p, level)
    lower, upper = interval_ranks(at_most_below(n, p), level)
    rank = max(1, math.ceil(n * p - 1e-9))
    return float(ordered[rank - 1]), float(ordered[lower - 1]), float(ordered[upper - 1])


def at_most_below(n: int, p: float) -> NDArray[np.float64]:
    """P(B <= k) for k = 0 .. n - 1, shape (n,): how many of n samples lie below the quantile."""
    from scipy.special import bdtr

    found: NDArray[np.float64] = bdtr(np.arange(n, dtype=np.float64), n, p)
    return found


def interval_ranks(at_most: NDArray[np.float64], level: float) -> tuple[int, int]:
    """Ranks l and u of :func:`percentile_interval`, no less than 1 and no more than n.

    ``at_most`` is :func:`at_most_below`.
    """
    tail = (1 - level) / 2 * (1 + 1e-9)
    lower = max(1, int(np.searchsorted(at_most, tail, side="right")))
    return lower, min(at_most.size, int(np.searchsorted(at_most, 1 - tail, side="left")) + 1)


def percentile_over_rounds(
    rounds: Sequence[ArrayLike], p: float, level: float = 0.95
) -> tuple[float, float, float]:
    """:func:`percentile_interval` of all rounds' samples, as sure as the rounds agree.

    With n_j samples in round j of k, of which the share f_j lies at or below the estimate, and N in
    all, the arms of the interval are stretched on the logarithm by::

        t / z sqrt(max(1, deff))     deff = k / (k - 1) sum((n_j (f_j - f))^2) / (N f (1 - f))

    where t is Student's of k - 1 degrees of freedom and z the normal quantile. Where ``deff`` is 1
    or less, and for one round, nothing is stretched. Far out in a tail few rounds decide, and the
    worst of them is yet to come; so each arm is at least what shifts of rounds make of it that are
    normal on the logarithm, of standard deviation s (that of the rounds' medians) [5]_::

        t s sqrt(1 / k + z_p^2 / (2 (k - 1)))

    Samples are 0 or more; those of a round in any order. A round whose median is 0 (gaps between
    tokens that came at once) has no logarithm, and is left out of s; an arm that ends at 0 stays
    there. Errors as in :func:`percentile_interval`.
    """
    from scipy.special import ndtri, stdtrit

    blocks = [np.asarray(block, dtype=np.float64).ravel() for block in rounds]
    blocks = [block for block in blocks if block.size]
    together = np.concatenate(blocks) if blocks else np.empty(0)
    value, low, high = percentile_interval(together, p, level)
    k = len(blocks)
    share = float((together <= value).mean())
    if k < 2 or value <= 0 or not 0 < share < 1:
        return value, low, high
    sizes = np.array([block.size for block in blocks])
    under = np.array([(block <= value).sum() for block in blocks])
    squares = float(((under - sizes * share) ** 2).sum())
    effect = k / (k - 1) * squares / (together.size * share * (1 - share))
    if effect <= 1:
        return value, low, high
    q = (1 + level) / 2
    t = float(stdtrit(k - 1, q))
    stretch = t / float(ndtri(q)) * math.sqrt(effect)
    medians = [float(np.median(block)) for block in blocks]
    logs = [math.log(median) for median in medians if median > 0]
    shift = float(np.std(logs, ddof=1)) if len(logs) > 1 else 0.0
    arm = t * shift * math.sqrt(1 / k + float(ndtri(p)) ** 2 / (2 * (k - 1)))
    down = max(arm, stretch * math.log(value / low)) if low > 0 else math.inf
    up = max(arm, stretch * math.log(high / value))
    most = math.log(sys.float_info.max)
    return value, value * math.exp(-down), math.exp(min(math.log(value) + up, most))


def percentile_quantity(
    rounds: Sequence[ArrayLike], p: float, unit: str = "ms", level: float = 0.95
) -> Quantity:
    """:func:`percentile_over_rounds` as a quantity; missing (too few samples) where none exists."""
    try:
        value, low, high = percentile_over_rounds(rounds, p, level)
    except TooFewSamplesError as error:
        return Quantity.missing(unit, Reason.TOO_FEW_SAMPLES, str(error))
    return Quantity.between(value, low, high, unit, level=level)
