"""Training against inference over a model's life, and after how many queries one pays."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.impact.steps import not_negative
from wattmark.quantities import Quantity, Reason


@dataclass(frozen=True)
class Lifetime:
    """Energies of the facility in kWh; ``per_query`` in Wh/query; ``queries`` over the life.

    ``training_share`` is of the total. ``break_even`` is the number of queries after which
    inference has taken as much as training did.
    """

    training: Quantity
    per_query: Quantity
    queries: Quantity
    inference: Quantity
    total: Quantity
    training_share: Quantity
    break_even: Quantity


def lifetime(training: Quantity, per_query: Quantity, queries: Quantity) -> Lifetime:
    """Set training (energy of the facility) against inference (the same, per query)."""
    not_negative("training", training)
    not_negative("inference", per_query)
    inference = (per_query * queries).to("kWh")
    told = training.to("kWh")
    return Lifetime(
        training=told,
        per_query=per_query.to("Wh/query"),
        queries=queries,
        inference=inference,
        total=told + inference,
        training_share=_share(told, inference),
        break_even=queries_to_match(training, per_query),
    )


def queries_to_match(training: Quantity, per_query: Quantity) -> Quantity:
    """N = E_train / E_query: inference has then taken what training took.

    Source: Luccioni, Jernite and Strubell (2024), "Power Hungry Processing", arXiv 2311.16863,
    section 5 and table 5.
    """
    return _quotient(training, per_query, "the energy of a query may be zero")


def queries_to_save(training: Quantity, old: Quantity, new: Quantity) -> Quantity:
    """N* = E_train / (E_old - E_new): the new model has then saved what training it took.

    Missing (``no_break_even``) where the new model does not surely take less than the old.
    """
    return _quotient(training, old - new, "the new model does not surely take less than the old")


def _quotient(above: Quantity, below: Quantity, why: str) -> Quantity:
    if not below.known or not above.known:
        reason = below.reason or above.reason
        assert reason is not None
        return Quantity.missing("query", reason, below.detail or above.detail)
    if below.bounds()[0] <= 0:
        return Quantity.missing("query", Reason.NO_BREAK_EVEN, why)
    return (above / below).to("query")


def _share(part: Quantity, rest: Quantity) -> Quantity:
    """part / (part + rest), which grows with part and falls with rest: the extremes are exact."""
    if not part.known or not rest.known:
        missing = part if not part.known else rest
        assert missing.reason is not None
        return Quantity.missing("%", missing.reason, missing.detail)
    p_low, p, p_high = part.bounds()
    r_low, r, r_high = rest.to(part.unit).bounds()
    if p_low + r_low <= 0 or p + r <= 0:
        return Quantity.missing("%", Reason.NO_BREAK_EVEN, "both energies may be zero")
    assert part.level is not None and rest.level is not None
    return Quantity.between(
        100 * p / (p + r),
        100 * p_low / (p_low + r_high),
        100 * p_high / (p_high + r_low),
        "%",
        level=max(0.0, part.level + rest.level - 1.0),
        grade=(part - part + rest).grade,
    )
