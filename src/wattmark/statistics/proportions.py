"""Accuracy with its interval, and accuracy relative to the reference on the same queries.

References
----------
.. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
   JASA 22 (1927) 209-212.
.. [2] D. G. Bonett and R. M. Price, "Confidence intervals for a ratio of binomial proportions
   based on paired data", Statistics in Medicine 25 (2006) 3039-3047.
.. [3] M. W. Fagerland, S. Lydersen and P. Laake, "Recommended tests and confidence intervals for
   paired binomial proportions", Statistics in Medicine 33 (2014) 2850-2875.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from wattmark.quantities import Quantity, Reason


def _z(level: float) -> float:
    """Two-sided standard normal quantile."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _score_interval(successes: float, n: float, z: float) -> tuple[float, float]:
    """The proportions that a score test with critical value ``z`` does not reject."""
    centre = successes + z * z / 2
    spread = z * math.sqrt(z * z / 4 + successes * (n - successes) / n)
    low, high = (centre - spread) / (n + z * z), (centre + spread) / (n + z * z)
    share = successes / n
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def wilson_interval(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion [1]_.

    With ``p = successes / n``::

        (p + z^2 / 2n  -+  z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    ``successes`` may be fractional, where a query can be half right. Raises ValueError where it
    is not within [0, n] or n is not positive.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} is not a proportion")
    return _score_interval(successes, n, _z(level))


def accuracy_quantity(correct: float, n: int, level: float = 0.95) -> Quantity:
    """Share of correct answers with its Wilson interval, unit ``1``; missing where n is 0."""
    if n == 0:
        return Quantity.missing("1", Reason.TOO_FEW_SAMPLES, "no query was answered")
    low, high = wilson_interval(correct, n, level)
    return Quantity.between(correct / n, low, high, "1", level=level)


def relative_quality(
    correct_setup: ArrayLike, correct_reference: ArrayLike, level: float = 0.95
) -> Quantity:
    """Accuracy of a setup over that of the reference, both scored on the same queries.

    The two share their queries, so most of the sampling error is common to both and cancels.
    The interval is Bonett and Price's hybrid of two Wilson intervals [2]_, which [3]_ recommends:
    with ``a`` queries right in both, ``b`` only in the setup, ``c`` only in the reference,
    ``m = a + b + c``, and one query added to each count, the two intervals are taken at ``k z``,

        k = sqrt((b + c + 2) / ((a + b + 1) (a + c + 1))) / (s_setup + s_reference)
        s = sqrt((1 - p) / (m + 2) p),  p = (right + 1) / (m + 2)

    and their ends divided crosswise. Unlike a bootstrap over queries it does not collapse to a
    point where both are right on the very same queries. It needs no random numbers.

    Parameters
    ----------
    correct_setup, correct_reference : array_like of 0 or 1, shape (n,)
        The same queries in the same order.
    level : float
        Confidence level.

    Returns
    -------
    Quantity
        Unit ``1``; 1 means as good as the reference. Missing where there is no query, or where
        the reference has no correct answer.

    Raises
    ------
    ValueError
        Where the shapes differ or a score is neither 0 nor 1.
    """
    setup, reference = np.asarray(correct_setup), np.asarray(correct_reference)
    if setup.shape != reference.shape or setup.ndim != 1:
        raise ValueError(
            f"both need the same queries: got shapes {setup.shape} and {reference.shape}"
        )
    if not (np.isin(setup, (0, 1)).all() and np.isin(reference, (0, 1)).all()):
        raise ValueError("the scores of single queries must be 0 or 1")
    if not setup.size:
        return Quantity.missing("1", Reason.TOO_FEW_SAMPLES, "no query was answered by both")
    right_setup, right_reference = int(setup.sum()), int(reference.sum())
    if not right_reference:
        return Quantity.missing(
            "1", Reason.NO_CORRECT_ANSWER, "the reference has no correct answer"
        )
    either = int(np.logical_or(setup, reference).sum())
    discordant = int((setup != reference).sum())

    def log_error(right: int) -> float:
        share = (right + 1) / (either + 2)
        return math.sqrt((1 - share) / ((either + 2) * share))

    k = math.sqrt((discordant + 2) / ((right_setup + 1) * (right_reference + 1)))
    z = _z(level) * k / (log_error(right_setup) + log_error(right_reference))
    setup_low, setup_high = _score_interval(right_setup, either, z)
    reference_low, reference_high = _score_interval(right_reference, either, z)
    return Quantity.between(
        right_setup / right_reference,
        setup_low / reference_high,
        setup_high / reference_low,
        "1",
        level=level,
    )
