"""What would change a star: the shortest ways to another one, as data and as sentences.

A star changes by the result's own energy, and, under a rule that compares, by others that join its
population or leave it. Every claim is checked against the rule itself, with the rounded figure
that is shown: what a sentence says is so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Rule
from wattmark.rating.columns import Columns, Rated, least_population
from wattmark.rating.rules import find_rule
from wattmark.rating.two_digits import energy_text, percent_text, rounded

Floats = NDArray[np.float64]
STARS = 5
#: Energies that stand for any so small or so large, as a factor of the least or the most.
_EXTREME = 1e9
_BISECTIONS = 60
_NEAR = 1e-6
#: Share of the way to a border that rounding may add to it.
_ROUNDING = 0.25


class How(StrEnum):
    """What happens."""

    OWN = "own"
    JOIN = "join"
    LEAVE = "leave"


@dataclass(frozen=True)
class Change:
    """A way from ``now`` stars to ``then``.

    ``OWN``: its own energy goes under or over ``energy``, by ``percent``. ``JOIN``: ``count``
    results under or over ``energy`` join. ``LEAVE``: ``count`` of those under or over it leave,
    or, where ``extreme``, just those of least or of most energy. No smaller count does. With
    ``or_more``, which of them it is may make the change greater still.
    """

    now: int
    then: int
    how: How
    under: bool
    energy: float
    count: int = 0
    percent: float = 0.0
    extreme: bool = False
    or_more: bool = False

    def sentence(self, unit: str = "Wh") -> str:
        """The change for people, its energy with two significant digits where they suffice."""
        more = (" or more" if self.then > self.now else " or fewer") if self.or_more else ""
        stars = f"{self.now}★ → {self.then}★{more}"
        side, energy = "under" if self.under else "over", energy_text(self.energy, unit)
        if self.how is How.OWN:
            side = "below" if self.under else "above"
            return f"{stars} {side} {energy} ({percent_text(self.percent)})"
        one = self.count == 1
        if self.how is How.JOIN:
            who = "1 more result" if one else f"{self.count} more results"
            return f"{stars} if {who} {side} {energy} {'joins' if one else 'join'}"
        if self.extreme:
            who = "the result" if one else f"the {self.count} results"
            side = f"of {'least' if self.under else 'most'} energy"
            return f"{stars} if {who} {side} {'leaves' if one else 'leave'}"
        who = "1 result" if one else f"{self.count} results"
        return f"{stars} if {who} {side} {energy} {'leaves' if one else 'leave'}"


def what_would_change(energies: Floats, at: int, rule: Rule, unit: str = "Wh") -> tuple[str, ...]:
    """Sentences on what would change the star of the result ``at``; arguments of :func:`changes`.

    ``unit`` is that of the energies; those in Wh and J are shown with a prefix that reads well.
    """
    return tuple(change.sentence(unit) for change in changes(energies, at, rule))


def changes(
    energies: Floats, at: int, rule: Rule, *, min_population: int | None = None
) -> tuple[Change, ...]:
    """What would change the star of the result ``at`` of a population.

    At most six: its own energy down and up, and on each side of it the fewest results that have
    to join or to leave, as long as ``min_population`` stay (None: that of the rule). The rule is
    asked, and nothing is assumed of it but what :class:`Rule` promises; joiners are counted up to
    twice the population. ``energies`` are positive, in one unit, shape (n,); O(n log n) per
    question, and O(log n) questions.
    """
    least = least_population(rule, min_population)
    found = [_own(energies, at, rule, under) for under in (True, False)]
    found += [_join(energies, at, rule, under) for under in (True, False)]
    found += [_leave(energies, at, rule, under, least) for under in (True, False)]
    return tuple(change for change in found if change is not None)


def of_columns(
    columns: Columns,
    rated: Rated,
    rule: str | Mapping[str, Rule],
    unit: str = "Wh",
    *,
    min_population: int | None = None,
) -> NDArray[np.object_]:
    """For each row its sentences, "; " between them; "" where it is unrated. Shape (n,)."""
    told = np.full(len(columns.value), "", dtype=object)
    groups = columns.group.astype(str)
    for group in np.unique(groups[rated.stars > 0]):
        members = np.flatnonzero((groups == group) & (rated.stars > 0))
        chosen = find_rule(rule) if isinstance(rule, str) else rule[group]
        energies = columns.value[members]
        for at, row in enumerate(members):
            found = changes(energies, at, chosen, min_population=min_population)
            told[row] = "; ".join(change.sentence(unit) for change in found)
    return told


def _own(energies: Floats, at: int, rule: Rule, under: bool) -> Change | None:
    own, now = float(energies[at]), int(rule.stars(energies)[at])
    if now == (STARS if under else 1):
        return None
    cut = STARS - now if under else STARS + 1 - now
    ordered = np.sort(energies)
    border = float(rule.border(ordered, energies[at : at + 1], cut)[0])
    if not math.isfinite(border) or border <= 0:
        return None

    def star(energy: float) -> int:
        moved = energies.copy()
        moved[at] = _just(energy, under)
        return int(rule.stars(moved)[at])

    if star(border) == now:  # a rule may take what is very near a border for the border itself
        border *= 1 - _NEAR if under else 1 + _NEAR
    following, apart = now + (1 if under else -1), _ROUNDING * abs(border - own)

    def fits(energy: float) -> bool:
        return abs(energy - border) <= apart and star(energy) == following

    energy = rounded(border, down=under, most_digits=4, fits=fits)
    if star(energy) != following:
        energy = rounded(border, down=under, fits=lambda x: star(x) != now)
    then = star(energy)
    if then == now:
        return None
    return Change(now, then, How.OWN, under, energy, percent=100 * (energy / own - 1))


def _join(energies: Floats, at: int, rule: Rule, under: bool) -> Change | None:
    own, now = float(energies[at]), int(rule.stars(energies)[at])

    def star(count: int, energy: float) -> int:
        joined = np.concatenate([energies, np.full(count, _just(energy, under))])
        return int(rule.stars(joined)[at])

    far = _extreme(energies, under)
    count = _fewest(lambda k: star(k, far) != now, 2 * len(energies))
    if count is None:
        return None
    energy = rounded(own, down=under)
    if star(count, energy) == now:
        energy = _threshold(energy, far, lambda x: star(count, x) != now)
        energy = rounded(energy, down=under)
    then = star(count, energy)
    return Change(now, then, How.JOIN, under, energy, count=count, or_more=star(count, far) != then)


def _leave(
    energies: Floats, at: int, rule: Rule, under: bool, min_population: int
) -> Change | None:
    own, now = float(energies[at]), int(rule.stars(energies)[at])
    others = np.sort(np.delete(energies, at))
    side = others[others < own] if under else others[others > own][::-1]  # the farthest first
    rest = others[others >= own] if under else others[others <= own]

    def star(stay: Floats) -> int:
        return int(rule.stars(np.concatenate([[own], stay, rest]))[0])

    most = min(len(side), len(energies) - min_population)
    count = _fewest(lambda k: star(side[k:]) != now, most)
    if count is None:
        return None
    farthest, nearest = star(side[count:]), star(side[: len(side) - count])
    energy = rounded(own, down=under, fits=lambda x: _beyond(side, x, under) >= count)
    return Change(
        now,
        nearest if nearest != now else farthest,
        How.LEAVE,
        under,
        energy,
        count=count,
        extreme=nearest == now,
        or_more=nearest not in (now, farthest),
    )


def _beyond(side: Floats, energy: float, under: bool) -> int:
    return int(((side < energy) if under else (side > energy)).sum())


def _just(energy: float, under: bool) -> float:
    """The nearest energy under it, or over it."""
    return math.nextafter(energy, 0.0 if under else math.inf)


def _extreme(energies: Floats, under: bool) -> float:
    return float(energies.min() / _EXTREME if under else energies.max() * _EXTREME)


def _fewest(changes: Callable[[int], bool], most: int) -> int | None:
    """The least count from 1 to ``most`` that changes; those above it do too."""
    high = 1
    while high < most and not changes(high):
        high *= 2
    high = min(high, most)
    if high < 1 or not changes(high):
        return None
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if changes(middle) else (middle, high)
    return high


def _threshold(near: float, far: float, changes: Callable[[float], bool]) -> float:
    """An energy that changes, next to those nearer that do not; bisected in logarithms."""
    for _ in range(_BISECTIONS):
        middle = math.sqrt(near) * math.sqrt(far)
        near, far = (near, middle) if changes(middle) else (middle, far)
    return far
