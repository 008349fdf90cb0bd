"""Ratings of a run: its results are one population, rated under the default rule."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.quantities import Quantity, Reason
from wattmark.rating.population import Entry, rate
from wattmark.rating.rules import DEFAULT_RULE
from wattmark.records import Rating, Result
from wattmark.records.reading import energy_per_query, ok


def rate_results(
    results: Sequence[Result], rules: Sequence[str] = (DEFAULT_RULE,), seed: int = 0
) -> tuple[Rating, ...]:
    """The ratings of all results that did not fail, rule after rule.

    A stored run has those of the default; ``wattmark rate --rule`` rates under any other. Results
    of one run share task, model, machine and baseline. Arguments and errors as in
    :func:`wattmark.rating.rate`.
    """
    entries = [_entry(result) for result in results if ok(result)]
    return tuple(rating for rule in rules for rating in rate(entries, rule, seed))


def _entry(result: Result) -> Entry:
    absent = Quantity.missing("1", Reason.NOT_MEASURED)
    energy = energy_per_query(result)
    return Entry(
        trial=result.id,
        energy=result.energy_relative or absent,
        gate_passed=result.quality.gate_passed if result.quality else None,
        grade=energy.grade if energy else None,
    )
