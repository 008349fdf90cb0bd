"""Fixed limits, as the EU energy label has: a star says what an energy is, whoever else is there.

How limits are born and when they are drawn anew: :mod:`wattmark.rating.star_limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Limits
from wattmark.errors import RatingError
from wattmark.rating.star_limits import RESCALE_TOP, RESCALE_TOP_TWO, checked

STARS = 5


@dataclass(frozen=True)
class Absolute:
    """``limits`` are the most energy for 5, 4, 3 and 2 stars; more than the last gets 1.

    As installed it has none, and no stars to give.
    """

    limits: Limits | None = None
    name: ClassVar[str] = "absolute"
    version: ClassVar[int] = 1
    min_population: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Refuse limits that do not rise from above zero. Raises RatingError."""
        if self.limits is not None:
            checked(self.limits)

    def with_limits(self, limits: Limits) -> Absolute:
        """The rule of one population. Raises RatingError."""
        return Absolute(limits)

    @property
    def text(self) -> str:
        """The rule in words."""
        steps = "which each population has of its own: 5 stars up to the first, 1 above the last"
        if self.limits is not None:
            pairs = zip((5, 4, 3, 2), self.limits, strict=True)
            steps = ", ".join(f"{star} up to {limit:.3g}" for star, limit in pairs) + ", 1 above"
        return (
            f"Stars by fixed limits of energy{':' if self.limits else ','} {steps}. The top class "
            f"is empty when limits are born; they are drawn anew when {RESCALE_TOP:.0%} of the "
            f"rated have 5 stars, or {RESCALE_TOP_TWO:.0%} have 4 or 5."
        )

    def stars(self, energies: NDArray[np.float64]) -> NDArray[np.int64]:
        """Stars along the last axis; who else is there does not matter."""
        found: NDArray[np.int64] = STARS - np.searchsorted(self._given, energies, side="left")
        return found

    def border(
        self, ordered: NDArray[np.float64], own: NDArray[np.float64], cut: int
    ) -> NDArray[np.float64]:
        """The limit, whoever the others are."""
        return np.full(own.shape, self._given[cut - 1])

    @property
    def _given(self) -> Limits:
        if self.limits is None:
            raise RatingError(f"rule {self.name} needs the limits of each population")
        return self.limits
