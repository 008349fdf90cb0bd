"""What energies of one scale have in common, and what each has of its own: one model for all.

A modelled energy is ``E = B x (1 + p) x f(s)``: the machine's watts of a busy core ``B`` (its
*scale*), its idle share ``s``, and what its own program draws beside the mean of programs, ``p``.
``B`` and ``s`` are unknown and the same for all energies of one scale; ``p``, and the spread
between rounds, are each one's own. On logarithms, with independent standard normal ``Z``::

    log E = log(value) + scale x Z_machine + idle x Z_idle + own x Z_program

``idle`` has a sign: a setup that leaves its cores idle rises with the idle share by more than one
that keeps them busy. Of two energies of one scale the machine cancels as far as both hang on it
alike (JCGM 100:2008, *Guide to the expression of uncertainty in measurement*, F.1.2.3: correlated
inputs), so that the logarithm of their ratio has the variance ::

    own_a^2 + own_b^2 + (idle_a - idle_b)^2

and that of all six parts where there is no common scale. The ratio to the baseline, P(star), the
front of quality against energy, outcomes of policies and the ratio of two results side by side
are all of this model (P(star) draws it: :mod:`wattmark.rating.distributions`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

from wattmark.quantities import Quantity, least_trusted

#: Level of the intervals that are made here.
LEVEL = 0.95


def normal_z(level: float) -> float:
    """Standard deviations from the middle to the end of a central interval of ``level`` < 1."""
    return NormalDist().inv_cdf((1 + level) / 2)


def split(width: float, own_width: float, idle: float, level: float) -> tuple[float, float, float]:
    """Standard deviations (own, scale, idle) of an energy's logarithm.

    ``width`` is that of the logarithms of the whole interval, ``own_width`` of the comparable one,
    which holds the effect of the idle share; both are of ``level``. ``idle`` is the signed standard
    deviation that comes of the idle share (0: not told apart).
    """
    z = normal_z(level)
    whole, comparable = width / (2 * z), min(own_width, width) / (2 * z)
    idle = min(max(idle, -comparable), comparable)
    return math.sqrt(comparable**2 - idle**2), math.sqrt(whole**2 - comparable**2), idle


@dataclass(frozen=True)
class Parts:
    """Standard deviations of one energy's logarithm. ``name`` is of its scale, "" for none."""

    own: float
    scale: float = 0.0
    idle: float = 0.0
    name: str = ""

    @classmethod
    def of(
        cls, whole: Quantity, comparable: Quantity | None, idle: float = 0.0, name: str = ""
    ) -> Self | None:
        """Of an energy with its whole interval and its comparable one, both of one level.

        None where there are no logarithms of its ends, or no level to go by.
        """
        low, _, high = whole.bounds()
        if low <= 0 or whole.level is None or not 0 < whole.level < 1:
            return None if low != high or low <= 0 else cls(0.0)
        own = whole if comparable is None else comparable
        own_low, _, own_high = own.bounds()
        if own_low <= 0:
            return None
        width = math.log(high / low)
        if comparable is None or not name:
            return cls(width / (2 * normal_z(whole.level)))
        return cls(*split(width, math.log(own_high / own_low), idle, whole.level), name)


def difference_sd(a: Parts, b: Parts) -> float:
    """Standard deviation of the logarithm of the ratio of two energies."""
    if a.name and a.name == b.name:
        return math.hypot(a.own, b.own, a.idle - b.idle)
    return math.hypot(a.own, b.own, a.scale, b.scale, a.idle, b.idle)


def ratio(a: Quantity, b: Quantity, a_parts: Parts, b_parts: Parts) -> Quantity:
    """Energy ``a`` over ``b`` with the interval of :data:`LEVEL` that the parts leave."""
    factor = math.exp(normal_z(LEVEL) * difference_sd(a_parts, b_parts))
    value = a.to(b.unit).bounds()[1] / b.bounds()[1]
    grade = least_trusted(a.grade, b.grade)
    return Quantity.between(value, value / factor, value * factor, "1", level=LEVEL, grade=grade)


def widened(quantity: Quantity, sd: float) -> Quantity:
    """A positive quantity that an independent part makes less sure; ``sd`` is of its logarithm.

    The arms of the interval grow in quadrature, on logarithms, at the level that it has.
    """
    low, value, high = quantity.bounds()
    if not sd or low <= 0 or quantity.level is None or not 0 < quantity.level < 1:
        return quantity
    more = normal_z(quantity.level) * sd
    return quantity.model_copy(
        update={
            "low": value * math.exp(-math.hypot(math.log(value / low), more)),
            "high": value * math.exp(math.hypot(math.log(high / value), more)),
        }
    )
