"""The trade-off of quality against cost: who is on the front, and how surely.

A point is *dominated* where another has no more cost and no worse quality, and one of both better.
With intervals there are three answers: on the front by the values; not on it by the values, but
within the intervals it may be; and surely not, since another is better wherever both may lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattmark.quantities import Quantity


class Standing(StrEnum):
    """Where a point stands."""

    FRONT = "on the front"
    MAYBE = "may be on the front"
    DOMINATED = "surely dominated"


@dataclass(frozen=True)
class Point:
    """A setup: ``cost`` (less is better) and ``quality``, with intervals."""

    name: str
    cost: Quantity
    quality: Quantity


#: Name, and the bounds (low, value, high) of cost and quality.
_Bounds = tuple[str, tuple[float, float, float], tuple[float, float, float]]


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
    bounds = [(p.name, p.cost.bounds(), _merit(p.quality, higher_is_better)) for p in points]
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
    surely = next((other[0] for other in others if _surely(other, its)), None)
    if surely is not None:
        return Placed(point, Standing.DOMINATED, surely)
    own = _values(its)
    by_value = next((other[0] for other in others if dominates(_values(other), own)), None)
    if by_value is not None:
        return Placed(point, Standing.MAYBE, by_value)
    return Placed(point, Standing.FRONT)


def _values(point: _Bounds) -> tuple[float, float]:
    _, (_, cost, _), (_, merit, _) = point
    return cost, merit


def _surely(a: _Bounds, b: _Bounds) -> bool:
    """Whether ``a`` dominates ``b`` wherever both lie within their intervals."""
    (_, (_, _, a_most), (a_least, _, _)), (_, (b_least, _, _), (_, _, b_most)) = a, b
    return dominates((a_most, a_least), (b_least, b_most))
