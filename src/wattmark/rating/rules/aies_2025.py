"""Equal-width bands, as the AI Energy Score leaderboard of February 2025 used them.

The published text of the AI Energy Score (https://huggingface.github.io/AIEnergyScore) describes
both equal sections of the energy *range* and fifths of the *models*, which differ. The formula
here is the one that reproduces the stars of the published tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

STARS = 5
#: Positions this close to a border lie on it: energies are decimal fractions, and binary
#: arithmetic puts 5 (1.2 - 1.0) / (2.0 - 1.0) at 0.9999999999999998.
BORDER = 1e-9


@dataclass(frozen=True)
class Aies2025:
    """``star = 5 - min(4, floor(5 (E - Emin) / (Emax - Emin)))``; 5 where all are equal."""

    name: ClassVar[str] = "aies-2025"
    version: ClassVar[int] = 1
    min_population: ClassVar[int] = 2  # a range has two ends; the smallest published one has 3

    @property
    def text(self) -> str:
        """The rule in words."""
        return (
            f"The range from the least to the most energy in a population is cut into {STARS} "
            f"bands of equal width: the lowest band gets {STARS} stars, the highest gets 1. An "
            f"entry on a border belongs to the band above it, with the fewer stars. Where all "
            f"entries need the same energy, all get {STARS} stars. One entry that needs far more "
            f"than the rest moves most of the rest into the lowest band."
        )

    def stars(self, energies: NDArray[np.float64]) -> NDArray[np.int64]:
        """Stars along the last axis."""
        least = energies.min(axis=-1, keepdims=True)
        width = energies.max(axis=-1, keepdims=True) - least
        position = STARS * (energies - least) / np.where(width > 0, width, 1.0)
        band = np.minimum(STARS - 1, np.floor(position + BORDER)).astype(np.int64)
        stars: NDArray[np.int64] = STARS - band
        return stars

    def border(
        self, ordered: NDArray[np.float64], own: NDArray[np.float64], cut: int
    ) -> NDArray[np.float64]:
        """Borders of the others' bands.

        An entry outside the others' range is itself the least (5 stars) or the most (1 star),
        which is what the outermost band of the others gives as well.
        """
        least, second = ordered[..., :1], ordered[..., 1:2]
        last_but_one, most = ordered[..., -2:-1], ordered[..., -1:]
        low = np.where(own <= least, second, least)
        high = np.where(own >= most, last_but_one, most)
        border: NDArray[np.float64] = low + cut / STARS * (high - low)
        return border
