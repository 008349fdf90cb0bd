"""The trade-off of quality against cost: who is on the front, and how surely.

A point is *dominated* where another has no more cost and no less quality, and one of both better.
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
    """A setup: ``cost`` (less is better) and ``quality`` (more is better), with intervals."""

    name: str
    cost: Quantity
    quality: Quantity


@dataclass(frozen=True)
class Placed:
    """A point with its standing; ``by`` names who dominates it, where somebody does."""

    point: Point
    standing: Standing
    by: str = ""


def pareto(points: Sequence[Point]) -> tuple[Placed, ...]:
    """The standing of every point, in their order; costs in one unit, qualities in one."""
    return tuple(_placed(point, [p for p in points if p is not point]) for point in points)


def hypervolume(points: Sequence[Point], cost: float, quality: float) -> float:
    """Area that the points' values dominate within the reference (cost, quality).

    The reference is the worst that counts: points of more cost or less quality add nothing. In
    units of cost times quality. Source: Zitzler and Thiele (1998), PPSN V, 292-301.
    """
    values = sorted((p.cost.bounds()[1], p.quality.bounds()[1]) for p in points)
    area, best = 0.0, quality
    for x, y in values:
        if x < cost and y > best:
            area += (cost - x) * (y - best)
            best = y
    return area


def _placed(point: Point, others: Sequence[Point]) -> Placed:
    surely = next((o.name for o in others if _surely(o, point)), None)
    if surely is not None:
        return Placed(point, Standing.DOMINATED, surely)
    by_value = next((o.name for o in others if _by_value(o, point)), None)
    if by_value is not None:
        return Placed(point, Standing.MAYBE, by_value)
    return Placed(point, Standing.FRONT)


def _by_value(a: Point, b: Point) -> bool:
    (_, ax, _), (_, bx, _) = a.cost.bounds(), b.cost.bounds()
    (_, ay, _), (_, by, _) = a.quality.bounds(), b.quality.bounds()
    return ax <= bx and ay >= by and (ax < bx or ay > by)


def _surely(a: Point, b: Point) -> bool:
    """Whether ``a`` dominates ``b`` wherever both lie within their intervals."""
    cheaper = a.cost.bounds()[2], b.cost.bounds()[0]
    better = a.quality.bounds()[0], b.quality.bounds()[2]
    no_worse = cheaper[0] <= cheaper[1] and better[0] >= better[1]
    return no_worse and (cheaper[0] < cheaper[1] or better[0] > better[1])
