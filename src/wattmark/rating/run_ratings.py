"""Ratings of a run: its results are one population, rated under the default rule."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.quantities import Quantity, Reason
from wattmark.rating.population import Entry, rate
from wattmark.rating.rules import DEFAULT_RULE
from wattmark.rating.unrated import Unrated
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
    rated = [result for result in results if ok(result)]
    entries = [_entry(result) for result in rated]
    return tuple(
        _with_weakness(rating, result)
        for rule in rules
        for rating, result in zip(rate(entries, rule, seed), rated, strict=True)
    )


def _with_weakness(rating: Rating, result: Result) -> Rating:
    """The rating, which says so where the gate was missed since the reference is too weak."""
    quality = result.quality
    weak = quality and quality.of_reference.reason is Reason.TOO_WEAK_FOR_THE_TASK
    if not weak or rating.unrated_reason != Unrated.QUALITY_GATE:
        return rating
    return rating.model_copy(update={"unrated_reason": str(Unrated.TOO_WEAK_FOR_THE_TASK)})


def _entry(result: Result) -> Entry:
    absent = Quantity.missing("1", Reason.NOT_MEASURED)
    energy = energy_per_query(result)
    return Entry(
        trial=result.id,
        energy=result.energy_relative or absent,
        gate_passed=result.quality.gate_passed if result.quality else None,
        grade=energy.grade if energy else None,
    )
