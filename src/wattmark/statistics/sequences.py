"""When to stop: a confidence sequence for the mean log ratio of rounds.

Whoever looks after every round and stops when the interval is narrow gets a wrong interval from
the usual formula, for that one is right only at a number of rounds fixed beforehand. A confidence
sequence covers the truth at *all* numbers of rounds at once with probability 1 - alpha, so that
looking is free.

Asymptotic sequences [3]_ need tens of rounds before their limit theorem holds, and a run has
three to a few dozen. The sequence here is exact from the second round on for normal log ratios of
unknown variance: Lai's t-sequence [1]_ in the form of a Bayes factor [2]_. Simulated with looks
after every round from 3 to 200, it misses in under 5 % of runs for normal, Laplace, Student t(3)
and symmetric burst noise; skewed noise is not covered by the theory (exponential noise: 15 %).
The log ratio of two setups that take turns is near symmetric: what disturbs one may as well
disturb the other.

References
----------
.. [1] T. L. Lai, "On confidence sequences", Annals of Statistics 4 (1976) 265-280.
.. [2] H. Wang and A. Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means
   with unknown variance", Sequential Analysis 44 (2025) 56-110, arXiv:2310.03722.
.. [3] I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas, "Time-uniform central
   limit theory and asymptotic confidence sequences", Annals of Statistics 52 (2024) 2613-2640.
.. [4] J. N. Rouder et al., "Bayesian t tests for accepting and rejecting the null hypothesis",
   Psychonomic Bulletin & Review 16 (2009) 225-237.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

#: Variance of the mixture over (mean / standard deviation). Any value is valid; this one makes
#: the sequence nearly as narrow as it can be at 5 to 20 rounds.
MIXTURE_VARIANCE = 10.0
#: Never judge narrowness on fewer rounds.
MIN_ROUNDS = 3


def half_width(log_ratios: ArrayLike, alpha: float = 0.05) -> float:
    """Half-width of the time-uniform interval around the mean; infinite where none exists yet.

    Under mean 0 and any variance the Bayes factor with ``mean / sd ~ N(0, g)`` and the right Haar
    prior on the standard deviation is a martingale of mean 1 [2]_ [4]_. With Student's t of n
    rounds and ``s = 1 / (1 + n g)``::

        B_n = sqrt(s) ((1 + t^2 / (n - 1)) / (1 + s t^2 / (n - 1)))^(n / 2)

    By Ville's inequality it ever exceeds 1 / alpha with probability at most alpha. The means that
    are not excluded at round n form the interval ``mean +- half_width``, with
    ``K = (alpha sqrt(s))^(-2 / n)`` and the standard deviation ``sd`` (n - 1 in its denominator)::

        half_width = sd sqrt((n - 1) / n * (K - 1) / (1 - K s))    where K s < 1

    Parameters
    ----------
    log_ratios : array_like, shape (n,)
        One log ratio a round, in the order of measuring.
    alpha : float
        Probability of ever missing, strictly between 0 and 1.
    """
    x = np.asarray(log_ratios, dtype=np.float64)
    n = x.size
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies strictly between 0 and 1, got {alpha}")
    if n < 2:
        return math.inf
    s = 1 / (1 + n * MIXTURE_VARIANCE)
    k = (alpha * math.sqrt(s)) ** (-2 / n)
    if k * s >= 1:
        return math.inf
    return float(x.std(ddof=1)) * math.sqrt((n - 1) / n * (k - 1) / (1 - k * s))


def narrow_enough(log_ratios: ArrayLike, width: float, alpha: float = 0.05) -> bool:
    """Whether the ratio is known to within plus or minus ``width`` (0.05 for 5 %).

    The upper side counts, ``exp(half_width) - 1 <= width``, for it is the wider one. False below
    three rounds.
    """
    x = np.asarray(log_ratios, dtype=np.float64)
    return x.size >= MIN_ROUNDS and half_width(x, alpha) <= math.log1p(width)
