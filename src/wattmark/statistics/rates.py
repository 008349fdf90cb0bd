"""What one query costs: totals of rounds over totals of their queries.

References
----------
.. [1] W. G. Cochran, *Sampling Techniques*, 3rd ed., Wiley 1977, chapter 6 (ratio estimators).
.. [2] B. Schmeiser, "Batch size effects in the analysis of simulation output", Operations
   Research 30 (1982) 556-568: why batches, not single queries, are the independent units.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wattmark.quantities import Grade, Quantity, Reason


def pooled_rate(
    numerators: ArrayLike,
    denominators: ArrayLike,
    unit: str,
    *,
    level: float = 0.95,
    grade: Grade | None = None,
) -> Quantity:
    """Total over total, with an interval from the spread between rounds.

    Serves mean latency (summed ms over queries), CPU time and energy per query, and throughput
    (queries over seconds). Queries of one round share its weather, so the round is the unit that
    varies independently [2]_. For rounds ``y_i / x_i`` and ``R = sum(y) / sum(x)`` [1]_::

        se(R)^2 = n / (n - 1) * sum((y_i - R x_i)^2) / sum(x)^2

    and the interval is ``R exp(-+ t se(R) / R)`` with n - 1 degrees of freedom: taken on the
    logarithm, since a cost is positive.

    Parameters
    ----------
    numerators, denominators : array_like, shape (n,)
        One entry a round; denominators positive, numerators not negative.
    unit : str
        Unit of numerator / denominator, for instance ``"J/query"``.
    level : float
        Confidence level.
    grade : Grade, optional
        Passed on to the quantity.

    Returns
    -------
    Quantity
        Missing with fewer than two rounds, or where the total is 0 (a cost of nothing was not
        measured).

    Raises
    ------
    ValueError
        Where the shapes differ, or a total is negative, not finite, or a denominator 0.
    """
    y = np.asarray(numerators, dtype=np.float64)
    x = np.asarray(denominators, dtype=np.float64)
    if y.shape != x.shape or y.ndim != 1:
        raise ValueError(f"one entry a round in both: got shapes {y.shape} and {x.shape}")
    if not (np.isfinite(y).all() and np.isfinite(x).all() and (y >= 0).all() and (x > 0).all()):
        raise ValueError("totals must be finite, numerators not negative, denominators positive")
    n = y.size
    if n < 2:
        return Quantity.missing(
            unit, Reason.TOO_FEW_SAMPLES, f"{n} round(s); an interval takes at least 2"
        )
    rate = float(y.sum() / x.sum())
    if rate < sys.float_info.min:
        return Quantity.missing(unit, Reason.WINDOW_TOO_SHORT, "the rounds add up to zero")
    spread = math.exp(rate_half_width(y, x, level) / rate)
    return Quantity.between(rate, rate / spread, rate * spread, unit, level=level, grade=grade)


def rate_half_width(y: NDArray[np.float64], x: NDArray[np.float64], level: float = 0.95) -> float:
    """t se(R) of R = sum(y) / sum(x) over n >= 2 rounds, with n - 1 degrees of freedom.

    For numerators of either sign: what was used less what idle would have used may be below 0.
    """
    from scipy.special import stdtrit

    n = y.size
    rate = float(y.sum() / x.sum())
    error = math.sqrt(n / (n - 1) * float(((y - rate * x) ** 2).sum())) / float(x.sum())
    return float(stdtrit(n - 1, (1 + level) / 2)) * error
