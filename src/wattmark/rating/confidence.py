"""How sure a star is: its probability, and the distance to the next one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattmark.quantities import Quantity
from wattmark.rating.rules import Rule

STARS = (1, 2, 3, 4, 5)


def star_probabilities(
    energies: Sequence[Quantity], rule: Rule, *, seed: int = 0, resamples: int = 2000
) -> tuple[dict[int, float], ...]:
    """P(star) of every entry of a population, by resampling all energies at once.

    Each energy is drawn log-normally, independently of the others: around the logarithm of its
    value, with the standard deviation for which ``[low, high]`` is the central interval of its
    level, ``sigma = log(high / low) / (2 z)``. Bounds of level 1 are drawn uniformly between
    their logarithms; an exact quantity stays where it is.

    Parameters
    ----------
    energies : sequence of Quantity
        All in one unit, positive down to ``low``.
    rule : Rule
        Applied to every draw.
    seed, resamples : int
        Of the draws.

    Returns
    -------
    tuple of dict
        For each entry, probabilities of 1 to 5 stars, which add up to 1.
    """
    low, value, high = np.array([e.bounds() for e in energies]).T
    level = np.array([e.level for e in energies])
    rng = np.random.default_rng(seed)
    stars = rule.stars(draw(low, value, high, level, resamples, rng))
    counts = np.stack([(stars == star).sum(axis=0) for star in STARS], axis=1)
    return tuple(
        {star: int(c) / resamples for star, c in zip(STARS, row, strict=True)} for row in counts
    )


def draw(
    low: NDArray[np.float64],
    value: NDArray[np.float64],
    high: NDArray[np.float64],
    level: NDArray[np.float64],
    resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Energies as :func:`star_probabilities` draws them, shape (resamples, entries)."""
    from scipy.special import ndtri

    logs = np.log(high) - np.log(low)
    hard = level == 1
    sigma = np.where(hard, 0.0, logs / (2 * ndtri((1 + np.where(hard, 0.5, level)) / 2)))
    shape = (resamples, len(value))
    normal = value * np.exp(sigma * rng.standard_normal(shape))
    uniform = low * np.exp(logs * rng.random(shape))
    draws: NDArray[np.float64] = np.where(hard & (logs > 0), uniform, normal)
    return draws


def boundary_distance_pct(energies: NDArray[np.float64], rule: Rule) -> NDArray[np.float64]:
    """By how many percent each entry's energy must rise or fall, whichever is less, for its star
    to change while the others stay. Shape as ``energies`` (n,); never negative.
    """
    distances = np.empty_like(energies)
    for i, energy in enumerate(energies):
        borders = rule.boundaries(np.delete(energies, i))
        distances[i] = 100 * np.abs(borders / energy - 1).min()
    return distances
