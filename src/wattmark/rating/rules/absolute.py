"""Fixed limits, as the EU energy label has: a star says what an energy is, whoever else is there.

The limits of a population are log-spaced and leave the top class empty when they are born, so that
there is somewhere to go. When many have come to the top, the limits are due to be drawn anew; both
are after Regulation (EU) 2017/1369, article 11: class A empty at introduction, and rescaling where
30 % of the units sold are in A (or half in A and B). Here results are counted, not sales.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import RatingError

STARS = 5
#: Shares of the rated in the top class, or in the top two, at which limits are drawn anew.
RESCALE_TOP = 0.30
RESCALE_TOP_TWO = 0.50
#: A class is at least so wide (the ratio of its ends) where a population is narrow.
LEAST_RATIO = 1.25


@dataclass(frozen=True)
class Absolute:
    """``limits`` are the most energy for 5, 4, 3 and 2 stars; more than the last gets 1."""

    limits: tuple[float, float, float, float]
    name: ClassVar[str] = "absolute"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Refuse limits that do not rise from above zero. Raises RatingError."""
        ends = (0.0, *self.limits)
        if not all(a < b for a, b in pairwise(ends)):
            raise RatingError(f"limits {list(self.limits)} do not rise from above zero")

    @classmethod
    def born(cls, energies: NDArray[np.float64]) -> Self:
        """Limits for a population, shape (n,): it takes 1 to 4 stars, and nobody has 5 yet.

        The range from the least to the most energy is cut into four classes of equal ratio; the
        least needs one more such step to reach the top.
        """
        least, most = float(energies.min()), float(energies.max())
        ratio = max((most / least) ** (1 / (STARS - 1)), LEAST_RATIO)
        five, four, three, two = (least * ratio**step for step in (-1, 1, 2, 3))
        return cls((five, four, three, two))

    @property
    def text(self) -> str:
        """The rule in words."""
        steps = ", ".join(
            f"{star} up to {limit:.3g}"
            for star, limit in zip((5, 4, 3, 2), self.limits, strict=True)
        )
        return (
            f"Stars by fixed limits of energy: {steps}, 1 above. The top class is empty when "
            f"limits are born; they are drawn anew when {RESCALE_TOP:.0%} of the rated have 5 "
            f"stars, or {RESCALE_TOP_TWO:.0%} have 4 or 5."
        )

    def stars(self, energies: NDArray[np.float64]) -> NDArray[np.int64]:
        """Stars along the last axis; who else is there does not matter."""
        found: NDArray[np.int64] = STARS - np.searchsorted(self.limits, energies, side="left")
        return found

    def border(
        self, ordered: NDArray[np.float64], own: NDArray[np.float64], cut: int
    ) -> NDArray[np.float64]:
        """The limit, whoever the others are."""
        return np.full(own.shape, self.limits[cut - 1])


def rescale_due(stars: NDArray[np.int64]) -> bool:
    """Whether so many of the rated (stars 1 to 5) have come to the top that limits are due."""
    rated = stars[stars > 0]
    if not len(rated):
        return False
    top, top_two = (rated == STARS).mean(), (rated >= STARS - 1).mean()
    return bool(top >= RESCALE_TOP or top_two >= RESCALE_TOP_TWO)
