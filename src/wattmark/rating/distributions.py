"""How the energies of a population are distributed: each by its interval, some with a shared part.

Each energy is log-normal: around the logarithm of its value, with the standard deviation for which
``[low, high]`` is the central interval of its level, ``sigma = log(high / low) / (2 z)``. Bounds of
level 1 are uniform between their logarithms; an exact quantity stays where it is.

Energies of one *scale* are known up to a factor that all of them share, as those of one power model
on one machine are. Such an energy is a product of the scale, drawn once for all of them, and a part
of its own, whose interval is that of :class:`Comparable`:
``sigma^2 = sigma_scale^2 + sigma_own^2``. Its own distribution stays what its whole interval says;
who of two of them needs more is as sure as their own parts make it. Else energies are independent.
Where the effect of the machine's idle share is told apart, it is drawn once for all of a scale too,
and they have one width of the scale: the model is :mod:`wattmark.records.common_parts`.
(Quantities that were compared with one standard share its error: JCGM 100:2008, *Guide to the
expression of uncertainty in measurement*, 5.2.2, the example of ten resistors.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: A border so many standard deviations away from an energy is on one side of it for sure.
_FAR = 4.5


@dataclass(frozen=True)
class Comparable:
    """What is surer of energies among those of their scale than of each alone; shape (n,).

    ``scale`` is the name of what they share ("" for nothing); ``low`` and ``high`` are the interval
    while that is held fixed, at the level of the whole interval (NaN without a scale). Bounds of
    level 1 have no scale. ``idle`` is the signed standard deviation of the logarithm that comes of
    the scale's idle share (NaN where it is not told apart; None: nowhere).
    """

    low: Floats
    high: Floats
    scale: NDArray[np.object_]
    idle: Floats | None = None

    def rows(self, at: Ints) -> Comparable:
        """Those of some rows."""
        idle = None if self.idle is None else self.idle[at]
        return Comparable(self.low[at], self.high[at], self.scale[at], idle)

    @property
    def idle_or_zero(self) -> Floats:
        """``idle``, and 0 where it is not told apart."""
        return np.zeros(len(self.low)) if self.idle is None else np.nan_to_num(self.idle)


@dataclass(frozen=True)
class Energies:
    """A population in logarithms, arrays of shape (n,); ``hard`` are uniform.

    ``sigma`` is of each one's own part, ``sigma_scale`` of what it shares with those of the same
    ``scale`` (a number below ``scales``; of no meaning where ``sigma_scale`` is 0), and
    ``sigma_idle``, of either sign, of the idle share of that (None where none is told apart). Each
    surely lies between ``lowest`` and ``highest``, which are energies.
    """

    value: Floats
    log_value: Floats
    log_low: Floats
    width: Floats
    sigma: Floats
    sigma_scale: Floats
    sigma_idle: Floats | None
    scale: Ints
    scales: int
    hard: NDArray[np.bool_]
    lowest: Floats
    highest: Floats

    @classmethod
    def of(
        cls, low: Floats, value: Floats, high: Floats, level: Floats, comparable: Comparable | None
    ) -> Self:
        """The distributions; arrays of shape (n,), energies above 0."""
        from scipy.special import ndtri

        log_value, log_low = np.log(value), np.log(low)
        width = np.log(high) - log_low
        hard = (level == 1) & (width > 0)
        z = ndtri((1 + np.where(level == 1, 0.5, level)) / 2)
        whole = np.divide(width, 2 * z, out=np.zeros_like(width), where=(width > 0) & ~hard)
        own, scale, scales = whole, np.zeros(len(value), dtype=np.int64), 0
        shared, idle = np.zeros_like(whole), None
        if comparable is not None:
            shares = (comparable.scale != "") & (whole > 0)
            scale, scales = _numbered(comparable.scale, shares)
            ratio = np.divide(comparable.high, comparable.low, out=np.ones_like(z), where=shares)
            own = np.where(shares, np.minimum(whole, np.log(ratio) / (2 * z)), whole)
            shared = np.sqrt(whole**2 - own**2)
            told = shares & (comparable.idle_or_zero != 0)
            if told.any():
                idle = np.where(told, np.clip(comparable.idle_or_zero, -own, own), 0.0)
                own = np.sqrt(own**2 - idle**2)
                shared = _one_width(shared, scale, shares)
        far = _FAR * (own + shared + (0.0 if idle is None else np.abs(idle)))
        return cls(
            value=value,
            log_value=log_value,
            log_low=log_low,
            width=width,
            sigma=own,
            sigma_scale=shared,
            sigma_idle=idle,
            scale=scale,
            scales=scales,
            hard=hard,
            lowest=np.where(hard, low, np.exp(log_value - far)),
            highest=np.where(hard, high, np.exp(log_value + far)),
        )

    @property
    def fixed(self) -> Ints:
        """Those that are exact once the scales are known."""
        return np.flatnonzero((self.sigma <= 0) & ~self.hard)

    @property
    def dimensions(self) -> int:
        """How many normal numbers make a draw: of scales, of their idle shares, of energies."""
        return self.scales * (1 if self.sigma_idle is None else 2) + len(self.value)

    def drawn(self, normal: Floats) -> tuple[Floats, Floats | None]:
        """Energies at standard normal points, and logarithms of what they share if they share any.

        ``normal`` has shape (draws, ``dimensions``). Energies and scales have (draws, n).
        """
        from scipy.special import ndtr

        own = normal[:, self.dimensions - len(self.value) :]
        drawn: Floats = self.sigma * own
        scale = None
        if self.scales:
            scale = self.sigma_scale * normal[:, self.scale]
            if self.sigma_idle is not None:
                scale += self.sigma_idle * normal[:, self.scales + self.scale]
            drawn += scale
        np.exp(drawn, out=drawn)
        drawn *= self.value
        hard = np.flatnonzero(self.hard)
        if len(hard):
            drawn[:, hard] = np.exp(self.log_low[hard] + self.width[hard] * ndtr(own[:, hard]))
        return drawn, scale

    def below(self, border: Floats, scale: Floats | None, at: Ints) -> Floats:
        """Probability that those ``at`` lie below their borders, shape (draws, len(at)).

        ``scale`` as :meth:`drawn` gives it.
        """
        log_border = np.log(border)
        share = log_border - self.log_value[at]
        if scale is not None:
            share -= scale[:, at]
        share /= np.where(self.sigma[at] > 0, self.sigma[at], 1.0)
        _normal_cdf(share)
        hard = np.flatnonzero(self.hard[at])
        if len(hard):
            within = (log_border[:, hard] - self.log_low[at[hard]]) / self.width[at[hard]]
            share[:, hard] = np.clip(within, 0.0, 1.0)
        return share


def _numbered(names: NDArray[np.object_], which: NDArray[np.bool_]) -> tuple[Ints, int]:
    """Names as numbers, in the order in which they come among ``which``; 0 for the others."""
    numbers: dict[object, int] = {}
    found = np.zeros(len(names), dtype=np.int64)
    for i in np.flatnonzero(which):
        found[i] = numbers.setdefault(names[i], len(numbers))
    return found, len(numbers)


def _one_width(sigma: Floats, scale: Ints, shares: NDArray[np.bool_]) -> Floats:
    """The root mean square of each scale, for all that share it: one factor is drawn for them."""
    members = np.bincount(scale[shares])
    mean = np.bincount(scale[shares], weights=sigma[shares] ** 2) / np.maximum(members, 1)
    return np.where(shares, np.sqrt(mean)[np.minimum(scale, len(mean) - 1)], 0.0)


def _normal_cdf(z: Floats) -> None:
    """Replace ``z`` by the standard normal distribution function, to 1.4e-4.

    A logistic curve, three times as fast as the exact one: S. R. Bowling et al., "A logistic
    approximation to the cumulative normal distribution", JIEM 2 (2009) 114-127, equation 16.
    """
    from scipy.special import expit

    factor = z * z
    factor *= 0.07056
    factor += 1.5976
    z *= factor
    expit(z, out=z)
