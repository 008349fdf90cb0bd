"""Ratings of columns: many results in many groups at once, without an object for each.

What a rule gives, and why a row is not rated, is decided here alone; :func:`wattmark.rating.rate`
is a view of it for single entries. A value without an interval gets its star and no probability,
since nothing says how sure it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Rule
from wattmark.quantities import Grade
from wattmark.rating.confidence import RESAMPLES, STARS, boundary_distance_pct, star_shares
from wattmark.rating.distributions import Comparable
from wattmark.rating.rules import find_rule
from wattmark.rating.unrated import Unrated

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """What is rated, one row a result. Arrays of shape (n,); NaN where a figure is missing.

    ``low`` and ``high`` are intervals of ``level`` (one for all, or one a row), or None where
    there are none; ``gate`` is False where quality missed its gate; ``hardware`` and ``grade``
    are names, or None where all are alike; a row whose name is None has none, and is never the
    usual one. ``comparable`` says what intervals share.
    """

    value: Floats
    group: NDArray[np.object_]
    low: Floats | None = None
    high: Floats | None = None
    level: float | Floats = 0.95
    gate: NDArray[np.bool_] | None = None
    hardware: NDArray[np.object_] | None = None
    grade: NDArray[np.object_] | None = None
    comparable: Comparable | None = None


@dataclass(frozen=True)
class Rated:
    """One row a result: ``stars`` is 0 where it is unrated, and ``reason`` says why ("" if not).

    ``probability`` is of the star given, ``distance_pct`` to the next boundary; NaN where unknown.
    ``shares`` are the probabilities of 1 to 5 stars, shape (5, n), where they were asked for.
    """

    stars: NDArray[np.int64]
    probability: Floats
    distance_pct: Floats
    reason: NDArray[np.object_]
    shares: Floats | None = None


def rate_columns(
    columns: Columns,
    rule: str | Mapping[str, Rule] = "quintile",
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    min_population: int | None = None,
    distances: bool = True,
    all_shares: bool = False,
) -> Rated:
    """Rate every row within its group. Raises UnknownNameError where there is no such rule.

    ``resamples`` of 0 leaves the probabilities out, ``distances`` False the distances; see
    :func:`wattmark.rating.confidence.star_shares`; ``all_shares`` keeps those of every star. Groups
    under ``min_population`` (None: that of the rule), and under 2, are not rated, unless the rule
    asks for nobody else. ``rule`` may give each group a rule of its own (that with its limits); a
    group without one is ``no_limits``.
    """
    common, n = (find_rule(rule) if isinstance(rule, str) else None), len(columns.value)
    stars = np.zeros(n, dtype=np.int64)
    probability, distance_pct = np.full(n, np.nan), np.full(n, np.nan)
    kept = np.full((len(STARS), n), np.nan) if all_shares else None
    _, group = np.unique(columns.group.astype(str), return_inverse=True)
    level = np.broadcast_to(columns.level, n)
    reason = _reasons(columns, level, group)
    for at in sorted(_members(group, reason == ""), key=len):  # draws are kept for a size
        chosen = common if isinstance(rule, str) else rule.get(str(columns.group[at[0]]))
        if chosen is None:
            reason[at] = Unrated.NO_LIMITS.value
            continue
        if len(at) < least_population(chosen, min_population):
            reason[at] = Unrated.POPULATION_TOO_SMALL.value
            continue
        values = columns.value[at]
        stars[at] = chosen.stars(values)
        if distances:
            distance_pct[at] = boundary_distance_pct(values, chosen)
        if resamples and columns.low is not None and columns.high is not None:
            interval = columns.low[at], values, columns.high[at], level[at]
            comparable = None if columns.comparable is None else columns.comparable.rows(at)
            shares = star_shares(
                *interval, chosen, comparable=comparable, seed=seed, resamples=resamples
            )
            probability[at] = shares[stars[at] - 1, np.arange(len(at))]
            if kept is not None:
                kept[:, at] = shares
    assert set(np.unique(stars)) <= {0, *STARS}
    return Rated(stars, probability, distance_pct, reason, kept)


def least_population(rule: Rule, asked: int | None = None) -> int:
    """The fewest results that are rated: as ``asked``, or as many as the rule wants."""
    if asked is None or rule.min_population < 2:
        return rule.min_population
    return max(asked, 2)


def _reasons(columns: Columns, level: Floats, group: NDArray[np.int64]) -> NDArray[np.object_]:
    """Why a row is not rated, "" where it is; the first reason that applies."""
    reason = np.full(len(columns.value), "", dtype=object)

    def drop(why: Unrated, applies: NDArray[np.bool_]) -> None:
        reason[(reason == "") & applies] = why.value

    drop(Unrated.NO_ENERGY, ~np.isfinite(columns.value) | (columns.value <= 0))
    if columns.low is not None and columns.high is not None:
        usable = _usable(columns.low, columns.value, columns.high) & (level > 0)
        drop(Unrated.NO_USABLE_INTERVAL, ~usable)
    if (own := columns.comparable) is not None:
        usable = _usable(own.low, columns.value, own.high)
        drop(Unrated.NO_USABLE_INTERVAL, (own.scale != "") & ~usable)
    if columns.gate is not None:
        drop(Unrated.QUALITY_GATE, ~columns.gate)
    for why, names in (
        (Unrated.HARDWARE_DIFFERS, columns.hardware),
        (Unrated.GRADE_DIFFERS, columns.grade),
    ):
        if names is not None:
            for members in _members(group, reason == ""):
                differs = names[members] != _usual(names[members])
                reason[members[differs]] = why.value
    return reason


def _usable(low: Floats, value: Floats, high: Floats) -> NDArray[np.bool_]:
    """Where an interval is above 0, ends, and holds its value."""
    usable: NDArray[np.bool_] = (low > 0) & (low <= value) & (value <= high) & np.isfinite(high)
    return usable


def _usual(names: NDArray[np.object_]) -> str | None:
    """The most frequent name; of two that are equally frequent, the more trusted grade."""
    names = names[[name is not None for name in names]]
    if not len(names):
        return None
    found, counts = np.unique(names.astype(str), return_counts=True)
    most = [str(name) for name in found[counts == counts.max()]]
    return next((str(grade) for grade in Grade if grade in most), most[0])


def _members(group: NDArray[np.int64], which: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Rows of each group among ``which``, one array a group."""
    rows = np.flatnonzero(which)
    rows = rows[np.argsort(group[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(group[rows])) + 1) if len(rows) else []
