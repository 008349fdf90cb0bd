"""P(star) by counting the stars of independent draws: slow, and right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from wattmark.rating import Rule
from wattmark.rating.confidence import STARS
from wattmark.rating.distributions import Comparable

Floats = NDArray[np.float64]
#: low, value, high, level
Group = tuple[Floats, Floats, Floats, Floats]


def plainly_resampled(
    group: Group, rule: Rule, resamples: int, comparable: Comparable | None = None
) -> Floats:
    """Shares of 1 to 5 stars, shape (5, entries); a scale is drawn once for all that share it."""
    low, value, high, level = group
    z = norm.ppf((1 + level) / 2)
    whole = own = np.log(high / low) / (2 * z)
    machines, machine = 0, np.zeros(len(value), dtype=np.int64)
    if comparable is not None:
        within = np.log(comparable.high / comparable.low) / (2 * z)
        own = np.where(comparable.scale == "", whole, within)
        names, machine = np.unique(comparable.scale.astype(str), return_inverse=True)
        machines = len(names)
    shared = np.sqrt(whole**2 - own**2)
    rng, counts = np.random.default_rng(1), np.zeros((len(STARS), len(value)))
    for _ in range(resamples // 1000):
        log = np.zeros((1000, len(value)))
        if machines:
            log += shared * rng.standard_normal((1000, machines))[:, machine]
        stars = rule.stars(value * np.exp(log + own * rng.standard_normal((1000, len(value)))))
        counts += [(stars == star).sum(axis=0) for star in STARS]
    return counts / (resamples // 1000 * 1000)
