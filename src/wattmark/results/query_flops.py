"""FLOPs per query: of the shapes alone, or, where answers decide their length, of what was said."""

from __future__ import annotations

from wattmark.quantities import Quantity, Reason
from wattmark.results.measurement import Measured
from wattmark.statistics import pooled_rate
from wattmark.worker.reference_facts import ReferenceFacts

_UNIT = "FLOP/query"


def flops_per_query(facts: ReferenceFacts | None, ours: Measured) -> Quantity:
    """The mean over the sample; exact where nothing is left out of it.

    A free answer takes what comes before it and so much for every token (of a batch, for every
    row that still ran) that this setup generated. Where not every query of the sample was
    answered, the mean is over those that were, with the interval that they allow.
    """
    if facts is None:
        return Quantity.missing(_UNIT, Reason.NOT_MEASURED, "the reference did not run")
    if facts.flops_per_query is not None:
        return Quantity.exact(facts.flops_per_query, _UNIT)
    units = _units(facts.open_ended, ours)
    counted = [float(facts.fixed[q] + facts.each[q] * units[q]) for q in sorted(units)]
    if not counted:
        return Quantity.missing(_UNIT, Reason.NOT_MEASURED, "no query was answered")
    if len(counted) == len(facts.fixed):
        return Quantity.exact(sum(counted) / len(counted), _UNIT)
    return pooled_rate(counted, [1.0] * len(counted), _UNIT)


def _units(phase: str, ours: Measured) -> dict[int, float]:
    """Units of this phase in the first answer to each query that did not fail."""
    found: dict[int, float] = {}
    for index in sorted(ours.rounds):
        names = [window.phase for window in ours.rounds[index].phases]
        if phase not in names:
            continue
        block = ours.samples[index]
        column = block.phase_units[:, names.index(phase)]
        for query, units, error in zip(block.query, column, block.error, strict=True):
            if error is None:
                found.setdefault(int(query), float(units))
    return found
