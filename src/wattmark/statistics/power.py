"""The smallest loss of quality that a sample can show, before anything is measured.

A setup and its reference answer the same n queries. Their scores differ by d in the mean, with a
standard deviation s from query to query, and the 95 % interval of the ratio leaves 1 out in four of
five runs where (normal approximation; Lachin, *Biostatistical Methods*, 2nd ed., section 3.2)::

    d sqrt(n) = (z_0.975 + z_0.8) s

Where scores are 0 or 1 and a share c of the answers is changed both ways besides the loss,
``s^2 = c + d - d^2`` (Miettinen, "The matched pairs design in the case of all-or-none responses",
Biometrics 24 (1968) 339-352).
"""

from __future__ import annotations

import math
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)


def smallest_loss(
    n: int, reference: float, *, changed: float | None = None, spread: float | None = None
) -> float | None:
    """As a share of ``reference``, the mean score of the reference; None where no loss is seen.

    ``changed`` is c, for scores that are 0 or 1; ``spread`` is s, for others. Raises ValueError
    where neither or both are given, or n or the reference is not positive.
    """
    if (changed is None) == (spread is None) or n < 1 or reference <= 0:
        raise ValueError("give n, a positive reference, and either `changed` or `spread`")
    if spread is not None:
        lost = _Z * spread / math.sqrt(n)
    else:
        assert changed is not None
        # d^2 (n + z^2) - z^2 d - z^2 c = 0
        square = _Z * _Z
        lost = (square + math.sqrt(square**2 + 4 * (n + square) * square * changed)) / (
            2 * (n + square)
        )
    share = lost / reference
    return share if share < 1 else None
