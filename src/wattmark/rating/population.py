"""Who is rated against whom.

A star is relative: it says where a result stands in a *population*, the results of the same task,
class and hardware (``group``) whose energy was obtained in the same way (grade).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wattmark.quantities import Grade, Quantity
from wattmark.rating.columns import Columns, Rated, rate_columns
from wattmark.rating.confidence import RESAMPLES, STARS
from wattmark.rating.rules import find_rule
from wattmark.records import Rating


@dataclass(frozen=True)
class Entry:
    """One result that asks for a star.

    ``energy`` is relative to a baseline that the whole group shares, so that the uncertainty that
    is common to all (the scale of a power model) is not in its interval. ``gate_passed`` is None
    where quality was not judged; only a gate that was failed keeps an entry from being rated.
    """

    trial: str
    energy: Quantity
    gate_passed: bool | None
    grade: Grade | None
    group: str = ""


def rate(
    entries: Sequence[Entry], rule: str = "quintile", seed: int = 0, resamples: int = RESAMPLES
) -> tuple[Rating, ...]:
    """Rate every entry within its population.

    Parameters
    ----------
    entries : sequence of Entry
        Any number of groups.
    rule : str
        Name of an installed rule that needs no limits.
    seed, resamples : int
        Of the resampling behind P(star). The result does not depend on the order of the entries.

    Returns
    -------
    tuple of Rating
        In the order of ``entries``. ``stars`` is None for an entry that is not rated, which does
        not count in the population either; ``unrated_reason`` is then the first that applies of
        :class:`~wattmark.rating.unrated.Unrated`. The grade of a population is the one that most
        of it have, and the more trusted one of two that are equally frequent. What decides is
        :func:`wattmark.rating.columns.rate_columns`.

    Raises
    ------
    UnknownNameError
        Where there is no such rule.
    """
    chosen = find_rule(rule)
    rated = rate_columns(_columns(entries), rule, seed=seed, resamples=resamples, all_shares=True)
    return tuple(
        Rating(
            trial=entry.trial,
            rule=chosen.name,
            rule_version=chosen.version,
            **stars_given(rated, at),
        )
        for at, entry in enumerate(entries)
    )


def _columns(entries: Sequence[Entry]) -> Columns:
    known = [entry.energy.known for entry in entries]
    bounds = [
        e.energy.bounds() if k else (np.nan,) * 3 for e, k in zip(entries, known, strict=True)
    ]
    low, value, high = np.array(bounds, dtype=float).reshape(-1, 3).T
    return Columns(
        value=value,
        group=np.array([entry.group for entry in entries], dtype=object),
        low=low,
        high=high,
        level=np.array([entry.energy.level or 0.0 for entry in entries]),
        gate=np.array([entry.gate_passed is not False for entry in entries], dtype=bool),
        grade=np.array([entry.grade and entry.grade.value for entry in entries], dtype=object),
    )


def stars_given(rated: Rated, at: int) -> dict[str, Any]:
    """The fields of a rating that say what an entry got."""
    if not rated.stars[at]:
        return {"stars": None, "unrated_reason": str(rated.reason[at])}
    assert rated.shares is not None
    return {
        "stars": int(rated.stars[at]),
        "probabilities": dict(zip(STARS, map(float, rated.shares[:, at]), strict=True)),
        "boundary_distance_pct": float(rated.distance_pct[at]),
    }
