"""Ratings of columns: many results in many groups at once, without an object for each.

The same rules and reasons as :func:`wattmark.rating.rate`; a value without an interval gets its
star and no probability, since nothing says how sure it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.quantities import Grade
from wattmark.rating.confidence import RESAMPLES, STARS, boundary_distance_pct, star_shares
from wattmark.rating.distributions import Comparable
from wattmark.rating.population import MIN_POPULATION
from wattmark.rating.rules import Rule, find_rule
from wattmark.rating.unrated import Unrated

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """What is rated, one row a result. Arrays of shape (n,); NaN where a figure is missing.

    ``low`` and ``high`` are intervals of ``level`` (one for all, or one a row), or None where
    there are none; ``gate`` is False where quality missed its gate; ``hardware`` and ``grade``
    are names, or None where all are alike. ``comparable`` says what intervals share.
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
    """

    stars: NDArray[np.int64]
    probability: Floats
    distance_pct: Floats
    reason: NDArray[np.object_]


def rate_columns(
    columns: Columns,
    rule: str | Mapping[str, Rule] = "quintile",
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    min_population: int = MIN_POPULATION,
    distances: bool = True,
) -> Rated:
    """Rate every row within its group. Raises UnknownNameError where there is no such rule.

    ``resamples`` of 0 leaves the probabilities out, ``distances`` False the distances; see
    :func:`wattmark.rating.confidence.star_shares`. Groups under ``min_population``, and under 2,
    are not rated. ``rule`` may give each group a rule of its own (fixed limits, which need no
    population); a group without one is ``no_limits``.
    """
    common, n = (find_rule(rule) if isinstance(rule, str) else None), len(columns.value)
    stars = np.zeros(n, dtype=np.int64)
    probability, distance_pct = np.full(n, np.nan), np.full(n, np.nan)
    _, group = np.unique(columns.group.astype(str), return_inverse=True)
    level = np.broadcast_to(columns.level, n)
    reason = _reasons(columns, level, group)
    for at in sorted(_members(group, reason == ""), key=len):  # draws are kept for a size
        chosen = common
        if not isinstance(rule, str):
            chosen = rule.get(str(columns.group[at[0]]))
        elif len(at) < max(min_population, 2):
            reason[at] = Unrated.POPULATION_TOO_SMALL.value
            continue
        if chosen is None:
            reason[at] = Unrated.NO_LIMITS.value
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
    assert set(np.unique(stars)) <= {0, *STARS}
    return Rated(stars, probability, distance_pct, reason)


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


def _usual(names: NDArray[np.object_]) -> str:
    """The most frequent name; of two that are equally frequent, the more trusted grade."""
    found, counts = np.unique(names.astype(str), return_counts=True)
    most = [str(name) for name in found[counts == counts.max()]]
    return next((str(grade) for grade in Grade if grade in most), most[0])


def _members(group: NDArray[np.int64], which: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Rows of each group among ``which``, one array a group."""
    rows = np.flatnonzero(which)
    rows = rows[np.argsort(group[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(group[rows])) + 1) if len(rows) else []
