"""Fixed limits of a population: how they are born, and when they are due to be drawn anew.

The limits of a population are log-spaced and leave the top class empty when they are born, so that
there is somewhere to go. When many have come to the top, the limits are due to be drawn anew; both
are after Regulation (EU) 2017/1369, article 11: class A empty at introduction, and rescaling where
30 % of the units sold are in A (or half in A and B). Here results are counted, not sales.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import LimitedRule, Limits, Rule
from wattmark.errors import RatingError

STARS = 5
#: Shares of the rated in the top class, or in the top two, at which limits are drawn anew.
RESCALE_TOP = 0.30
RESCALE_TOP_TWO = 0.50
#: A class is at least so wide (the ratio of its ends) where a population is narrow.
LEAST_RATIO = 1.25


def checked(limits: Limits) -> Limits:
    """The limits. Raises RatingError where they do not rise from above zero."""
    if not all(a < b for a, b in pairwise((0.0, *limits))):
        raise RatingError(f"limits {list(limits)} do not rise from above zero")
    return limits


def born(energies: NDArray[np.float64]) -> Limits:
    """Limits for a population, shape (n,): it takes 1 to 4 stars, and nobody has 5 yet.

    The range from the least to the most energy is cut into four classes of equal ratio; the
    least needs one more such step to reach the top.
    """
    least, most = float(energies.min()), float(energies.max())
    ratio = max((most / least) ** (1 / (STARS - 1)), LEAST_RATIO)
    five, four, three, two = (least * ratio**step for step in (-1, 1, 2, 3))
    return five, four, three, two


def by_population(rule: LimitedRule, limits: Mapping[str, Limits]) -> dict[str, Rule]:
    """The rule of each population. Raises RatingError for limits that are none."""
    return {name: rule.with_limits(its) for name, its in limits.items()}


def rescale_due(stars: NDArray[np.int64]) -> bool:
    """Whether so many of the rated (stars 1 to 5) have come to the top that limits are due."""
    rated = stars[stars > 0]
    if not len(rated):
        return False
    top, top_two = (rated == STARS).mean(), (rated >= STARS - 1).mean()
    return bool(top >= RESCALE_TOP or top_two >= RESCALE_TOP_TWO)
