"""Equal-count fifths: the fifth of the population that needs the least energy gets five stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

STARS = 5


@dataclass(frozen=True)
class Quintile:
    """``star = 5 - floor(5 r / n)``, where r of the n entries need strictly less energy.

    Only the order of the energies counts, so that one outlier moves nobody else: on the published
    tables of the AI Energy Score of February 2025, one model three times worse than the worst of
    its group changes 15 % of the stars under this rule and 44 % under equal-width bands.
    """

    name: ClassVar[str] = "quintile"
    version: ClassVar[int] = 1
    min_population: ClassVar[int] = STARS  # fewer cannot fill them

    @property
    def text(self) -> str:
        """The rule in words."""
        share = 100 // STARS
        return (
            f"The entries of a population are ordered by energy and cut into {STARS} groups of "
            f"equal size, as far as their number allows: the {share} % with the least energy get "
            f"{STARS} stars, the {share} % with the most get 1. Entries of equal energy share the "
            f"better star."
        )

    def stars(self, energies: NDArray[np.float64]) -> NDArray[np.int64]:
        """Stars along the last axis."""
        n = energies.shape[-1]
        order = np.argsort(energies, axis=-1)
        ordered = np.take_along_axis(energies, order, axis=-1)
        ranks = np.broadcast_to(np.arange(n), energies.shape).copy()
        ranks[..., 1:][ordered[..., 1:] == ordered[..., :-1]] = 0
        ranks = np.maximum.accumulate(ranks, axis=-1)
        stars = np.empty(energies.shape, dtype=np.int64)
        np.put_along_axis(stars, order, STARS - STARS * ranks // n, axis=-1)
        return stars

    def border(
        self, ordered: NDArray[np.float64], own: NDArray[np.float64], cut: int
    ) -> NDArray[np.float64]:
        """That of the others whose energy must not be exceeded; infinite under five entries."""
        n = ordered.shape[-1]
        at = -(-cut * n // STARS) - 1  # among the others, in order
        if at >= n - 1:
            return np.full(own.shape, np.inf)
        border: NDArray[np.float64] = np.where(
            own <= ordered[..., at : at + 1],
            ordered[..., at + 1 : at + 2],
            ordered[..., at : at + 1],
        )
        return border
