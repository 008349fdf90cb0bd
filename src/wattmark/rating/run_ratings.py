"""Ratings of a run: its results are one population, rated under the default rule.

They are rated by the same figures as in tables, editions and on boards (:class:`RatedRow`): the
energy that is shown, with what modelled energies of one machine share. So a star of a run is as
sure in its report as it is among the same results anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from wattmark.quantities import Quantity, Reason
from wattmark.rating.columns import Columns, rate_columns
from wattmark.rating.distributions import Comparable
from wattmark.rating.population import stars_given
from wattmark.rating.rules import DEFAULT_RULE, find_rule
from wattmark.rating.unrated import Unrated
from wattmark.records import Rating, Result
from wattmark.records.reading import comparable_per_query, energy_per_query, ok


def rate_results(
    results: Sequence[Result], rules: Sequence[str] = (DEFAULT_RULE,), seed: int = 0
) -> tuple[Rating, ...]:
    """The ratings of all results that did not fail, rule after rule.

    A stored run has those of the default; ``wattmark rate --rule`` rates under any other. Results
    of one run share task, model and machine. Arguments and errors as in
    :func:`wattmark.rating.rate`.
    """
    rated = [result for result in results if ok(result)]
    columns = _columns(rated)
    found: list[Rating] = []
    for name in rules:
        rule = find_rule(name)
        its = rate_columns(columns, name, seed=seed, all_shares=True)
        found += [
            _with_weakness(
                Rating(
                    trial=result.id,
                    rule=rule.name,
                    rule_version=rule.version,
                    **stars_given(its, place),
                ),
                result,
            )
            for place, result in enumerate(rated)
        ]
    return tuple(found)


def _with_weakness(rating: Rating, result: Result) -> Rating:
    """The rating, which says so where the gate was missed since the reference is too weak."""
    quality = result.quality
    weak = quality and quality.of_reference.reason is Reason.TOO_WEAK_FOR_THE_TASK
    if not weak or rating.unrated_reason != Unrated.QUALITY_GATE:
        return rating
    return rating.model_copy(update={"unrated_reason": str(Unrated.TOO_WEAK_FOR_THE_TASK)})


def _columns(results: Sequence[Result]) -> Columns:
    absent = Quantity.missing("Wh/query", Reason.NO_METER)
    energies = [energy_per_query(result) or absent for result in results]
    own = [comparable_per_query(result) for result in results]
    low, value, high = _bounds(energies)
    own_low, _, own_high = _bounds([c.energy if c else absent for c in own])
    idle = [np.nan if c is None or c.idle_effect is None else c.idle_effect for c in own]
    return Columns(
        value=value,
        group=_names("" for _ in results),
        low=low,
        high=high,
        level=np.array([energy.level or 0.0 for energy in energies]),
        gate=np.array([not (r.quality and r.quality.gate_passed is False) for r in results], bool),
        grade=_names(energy.grade and energy.grade.value for energy in energies),
        comparable=Comparable(
            own_low, own_high, _names(c.scale if c else "" for c in own), np.array(idle, float)
        ),
    )


def _bounds(energies: Sequence[Quantity]) -> NDArray[np.float64]:
    """(low, value, high) in Wh a query, shape (3, n); NaN where one is missing."""
    found = [e.to("Wh/query").bounds() if e.known else (np.nan,) * 3 for e in energies]
    return np.array(found, dtype=float).reshape(-1, 3).T


def _names(values: Iterable[str | None]) -> NDArray[np.object_]:
    return np.array(list(values), dtype=object)
