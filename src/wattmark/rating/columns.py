"""Ratings of columns: many results in many groups at once, without an object for each.

The same rules and reasons as :func:`wattmark.rating.rate`; a value without an interval gets its
star and no probability, since nothing says how sure it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.rating.confidence import STARS, boundary_distance_pct, draw
from wattmark.rating.population import MIN_POPULATION
from wattmark.rating.rules import Rule, find_rule

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """What is rated, one row a result. Arrays of shape (n,); NaN where a figure is missing.

    ``low`` and ``high`` are intervals of ``level``, or None where there are none; ``gate`` is
    False where quality missed its gate; ``grade`` are names, or None where all are alike.
    """

    value: Floats
    group: NDArray[np.object_]
    low: Floats | None = None
    high: Floats | None = None
    level: float = 0.95
    gate: NDArray[np.bool_] | None = None
    grade: NDArray[np.object_] | None = None


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
    resamples: int = 2000,
    min_population: int = MIN_POPULATION,
    distances: bool = True,
) -> Rated:
    """Rate every row within its group. Raises UnknownNameError where there is no such rule.

    ``resamples`` of 0 leaves the probabilities out, ``distances`` False the distances.
    Groups under ``min_population`` are not rated. ``rule`` may give each group a rule of its own
    (fixed limits, which need no population); a group without one is ``no_limits``.
    """
    common, n = (find_rule(rule) if isinstance(rule, str) else None), len(columns.value)
    stars = np.zeros(n, dtype=np.int64)
    probability, distance_pct = np.full(n, np.nan), np.full(n, np.nan)
    _, group = np.unique(columns.group.astype(str), return_inverse=True)
    reason = _reasons(columns, group)
    for members in _members(group, reason == ""):
        chosen = common
        if not isinstance(rule, str):
            chosen = rule.get(str(columns.group[members[0]]))
        elif len(members) < min_population:
            reason[members] = "population_too_small"
            continue
        if chosen is None:
            reason[members] = "no_limits"
            continue
        order = np.lexsort([members, *_keys(columns, members)])
        at = members[order]  # draws do not depend on the order of the rows
        values = columns.value[at]
        stars[at] = chosen.stars(values)
        if distances and (common is None or len(at) > 1):
            distance_pct[at] = boundary_distance_pct(values, chosen)
        if resamples and columns.low is not None and columns.high is not None:
            level = np.full(len(at), columns.level)
            rng = np.random.default_rng(seed)
            drawn = chosen.stars(
                draw(columns.low[at], values, columns.high[at], level, resamples, rng)
            )
            probability[at] = (drawn == stars[at]).mean(axis=0)
    assert set(np.unique(stars)) <= {0, *STARS}
    return Rated(stars, probability, distance_pct, reason)


def _reasons(columns: Columns, group: NDArray[np.int64]) -> NDArray[np.object_]:
    """Why a row is not rated, "" where it is; the first reason that applies."""
    reason = np.full(len(columns.value), "", dtype=object)

    def drop(why: str, applies: NDArray[np.bool_]) -> None:
        reason[(reason == "") & applies] = why

    drop("no_energy", ~np.isfinite(columns.value) | (columns.value <= 0))
    if columns.low is not None and columns.high is not None:
        inside = (columns.low <= columns.value) & (columns.value <= columns.high)
        drop("no_usable_interval", ~(inside & (columns.low > 0)))
    if columns.gate is not None:
        drop("quality_gate", ~columns.gate)
    if columns.grade is not None:
        for members in _members(group, reason == ""):
            names, counts = np.unique(columns.grade[members].astype(str), return_counts=True)
            reason[members[columns.grade[members] != names[counts.argmax()]]] = "grade_differs"
    return reason


def _members(group: NDArray[np.int64], which: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Rows of each group among ``which``, one array a group."""
    rows = np.flatnonzero(which)
    rows = rows[np.argsort(group[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(group[rows])) + 1) if len(rows) else []


def _keys(columns: Columns, members: NDArray[np.int64]) -> list[Floats]:
    parts = (columns.high, columns.low, columns.value)
    return [part[members] for part in parts if part is not None]
