"""The trade-off of quality against cost: who is on the front, and how surely.

A point is *dominated* where another has no more cost and no worse quality, and one of both better.
With intervals there are three answers: on the front by the values; not on it by the values, but
within the intervals it may be; and surely not, since another is better wherever both may lie.
Costs that share a scale (modelled energies of one machine) are compared by what they do not share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp

from wattmark.quantities import Quantity
from wattmark.records.common_parts import LEVEL, Parts, difference_sd, normal_z


class Standing(StrEnum):
    """Where a point stands."""

    FRONT = "on the front"
    MAYBE = "may be on the front"
    DOMINATED = "surely dominated"


@dataclass(frozen=True)
class Point:
    """A setup: ``cost`` (less is better) and ``quality``, with intervals.

    ``among`` is the cost with the interval that counts among the points (None: its own), which
    charts draw; ``parts`` is what the cost shares with others of its scale (None: nothing).
    """

    name: str
    cost: Quantity
    quality: Quantity
    among: Quantity | None = None
    parts: Parts | None = None


@dataclass(frozen=True)
class _Bounds:
    """(low, value, high) of cost and merit."""

    name: str
    cost: tuple[float, float, float]
    merit: tuple[float, float, float]
    parts: Parts | None


@dataclass(frozen=True)
class Placed:
    """A point with its standing; ``by`` names who dominates it, where somebody does."""

    point: Point
    standing: Standing
    by: str = ""


def pareto(points: Sequence[Point], *, higher_is_better: bool = True) -> tuple[Placed, ...]:
    """The standing of every point, in their order; costs in one unit, qualities in one.

    ``higher_is_better`` is False for a metric of which less is better (a word error rate).
    """
    bounds = [
        _Bounds(p.name, p.cost.bounds(), _merit(p.quality, higher_is_better), p.parts)
        for p in points
    ]
    return tuple(
        _placed(point, its, [other for other in bounds if other is not its])
        for point, its in zip(points, bounds, strict=True)
    )


def dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether ``a`` has no more cost and no less merit than ``b``, and one of both better.

    Points are (cost, merit); of merit more is better.
    """
    return a[0] <= b[0] and a[1] >= b[1] and a != b


def hypervolume(
    points: Sequence[Point], cost: float, quality: float, *, higher_is_better: bool = True
) -> float:
    """Area that the points' values dominate within the reference (cost, quality).

    The reference is the worst that counts: points of more cost or worse quality add nothing. In
    units of cost times quality. Source: Zitzler and Thiele (1998), PPSN V, 292-301.
    """
    values = sorted((p.cost.bounds()[1], _merit(p.quality, higher_is_better)[1]) for p in points)
    area, best = 0.0, quality if higher_is_better else -quality
    for x, y in values:
        if x < cost and y > best:
            area += (cost - x) * (y - best)
            best = y
    return area


def _merit(quality: Quantity, higher_is_better: bool) -> tuple[float, float, float]:
    """Bounds of which more is better."""
    low, value, high = quality.bounds()
    return (low, value, high) if higher_is_better else (-high, -value, -low)


def _placed(point: Point, its: _Bounds, others: Sequence[_Bounds]) -> Placed:
    surely = next((other.name for other in others if _surely(other, its)), None)
    if surely is not None:
        return Placed(point, Standing.DOMINATED, surely)
    own = _values(its)
    by_value = next((other.name for other in others if dominates(_values(other), own)), None)
    if by_value is not None:
        return Placed(point, Standing.MAYBE, by_value)
    return Placed(point, Standing.FRONT)


def _values(point: _Bounds) -> tuple[float, float]:
    return point.cost[1], point.merit[1]


def _surely(a: _Bounds, b: _Bounds) -> bool:
    """Whether ``a`` dominates ``b`` wherever both lie within what is unknown of them."""
    least, most = b.cost[0], a.cost[2]
    if a.parts and b.parts and a.parts.name and a.parts.name == b.parts.name:
        # the interval of the ratio of the two, as the common scale leaves it
        least, most = b.cost[1], a.cost[1] * exp(normal_z(LEVEL) * difference_sd(a.parts, b.parts))
    return dominates((most, a.merit[0]), (least, b.merit[2]))
