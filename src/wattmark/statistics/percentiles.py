"""Percentiles with distribution-free intervals, from the order statistics of the sample.

References
----------
.. [1] H. A. David and H. N. Nagaraja, *Order Statistics*, 3rd ed., Wiley 2003, section 7.1.
.. [2] W. Q. Meeker, G. J. Hahn and L. A. Escobar, *Statistical Intervals*, 2nd ed.,
   Wiley 2017, section 5.2.
"""

from __future__ import annotations

import math

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

    Its coverage is at least ``level`` for every continuous distribution. Samples that a burst of
    contention correlates carry less information than their number says: the interval speaks of
    the runs that were made, a comparison should use :mod:`.ratios`.

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
    from scipy.special import bdtr

    if not (0 < p < 1 and 0 < level < 1):
        raise ValueError(f"p and level lie strictly between 0 and 1, got {p} and {level}")
    ordered: NDArray[np.float64] = np.sort(np.asarray(samples, dtype=np.float64).ravel())
    if not np.isfinite(ordered).all():
        raise ValueError("samples must be finite: leave failed queries out before")
    n = ordered.size
    if n < (needed := samples_needed(p, level)):
        raise TooFewSamplesError(n, needed, p, level)
    at_most = bdtr(np.arange(n, dtype=np.float64), n, p)
    tail = (1 - level) / 2 * (1 + 1e-9)
    lower = max(1, int(np.searchsorted(at_most, tail, side="right")))
    upper = min(n, int(np.searchsorted(at_most, 1 - tail, side="left")) + 1)
    rank = max(1, math.ceil(n * p - 1e-9))
    return float(ordered[rank - 1]), float(ordered[lower - 1]), float(ordered[upper - 1])


def percentile_quantity(
    samples: ArrayLike, p: float, unit: str = "ms", level: float = 0.95
) -> Quantity:
    """:func:`percentile_interval` as a quantity; missing (too few samples) where none exists."""
    try:
        value, low, high = percentile_interval(samples, p, level)
    except TooFewSamplesError as error:
        return Quantity.missing(unit, Reason.TOO_FEW_SAMPLES, str(error))
    return Quantity.between(value, low, high, unit, level=level)
