"""SCI (ISO/IEC 21031:2024) and SCI for AI: grams of CO2e per functional unit, and what is in it."""

from __future__ import annotations

import json
from typing import Any

from wattmark.exports.subject import Export, Omissions, Subject
from wattmark.quantities import Quantity

_RULES = (
    "location-based; market instruments are excluded; energy includes the building (PUE) and what "
    "the machines drew at idle within the window"
)


def render_sci(subject: Subject) -> Export:
    """SCI = ((E x I) + M) per R, R being a query."""
    open_ = Omissions()
    document = {
        "standard": "ISO/IEC 21031:2024, Software Carbon Intensity 1.0",
        **_identity(subject),
        "functional_unit": "query",
        **_score(subject, Quantity.exact(1.0, "1"), open_),
        "rules": _RULES,
    }
    return _export(document, open_)


def render_sci_ai(subject: Subject) -> Export:
    """The consumer's score per output token (or inference), the provider's per operation."""
    open_, tokens = Omissions(), subject.impact.use.tokens
    per_token = tokens is not None and tokens.known and tokens.bounds()[0] > 0
    basis = Quantity.exact(1.0, "1")
    if per_token:
        assert tokens is not None
        basis = (tokens / Quantity.exact(1.0, "token")) * Quantity.exact(1.0, "query")
        basis = Quantity.exact(1.0, "1") / basis
    consumer = {
        "functional_unit": "output token" if per_token else "inference",
        "effective": False,  # gross: all queries are counted, right or wrong
        **_score(subject, basis, open_),
    }
    document = {
        "standard": "SCI for AI (Green Software Foundation, ratified 17 December 2025)",
        **_identity(subject),
        "consumer": consumer,
        "provider": _provider(subject, open_),
        "rules": _RULES,
    }
    return _export(document, open_)


def _identity(subject: Subject) -> dict[str, Any]:
    run = subject.run
    return {
        "software": run.model.name,
        "setup": subject.result.id,
        "run": run.id,
        "place": subject.impact.place.name,
        "boundary": "one machine while it answers; network and the user's device are outside",
    }


def _score(subject: Subject, basis: Quantity, open_: Omissions) -> dict[str, Any]:
    """E, I, M and the score per functional unit; ``basis`` is units per query, inverted."""
    impact = subject.impact

    def per_unit(key: str) -> Quantity:
        return impact.line(key).quantity * basis

    operational, made = per_unit("carbon_location"), per_unit("carbon_embodied")
    total = operational + made
    open_.value("E", impact.line("energy_facility").quantity)
    open_.value("I", impact.place.carbon.quantity)
    if not made.known:
        open_.value("M", made)
        open_.add("SCI", "without M it is no SCI; the operational part stands alone")
    return {
        "E_kwh": _figure((per_unit("energy_facility")), "kWh"),
        "I_g_per_kwh": _figure(impact.place.carbon.quantity, "g/kWh"),
        "O_g": _figure(operational, "g"),
        "M_g": _figure(made, "g"),
        "SCI_g": _figure(total, "g"),
    }


def _provider(subject: Subject, open_: Omissions) -> dict[str, Any] | None:
    training = subject.training
    if training is None:
        open_.add("provider", "give --training: nothing is known of training")
        return None
    carbon = subject.training_kg()
    if training.flops is None:
        open_.add("provider: functional unit", "training was not given by its operations")
        return {"functional_unit": "training, whole", "SCI_g": _figure(carbon, "g")}
    return {
        "functional_unit": "FLOP of training",
        "SCI_g": _figure(carbon / training.flop(), "g"),
    }


def _figure(quantity: Quantity, unit: str) -> dict[str, Any]:
    """Value, range and level in ``unit`` per whatever it is per, or why it is missing."""
    if not quantity.known:
        return {"value": None, "reason": str(quantity.reason), "detail": quantity.detail}
    numerator = quantity.unit.split("/")[0]
    tail = quantity.unit.removeprefix(numerator)
    told = quantity.to(unit if "/" in unit else unit + tail)
    low, value, high = told.bounds()
    return {"value": value, "low": low, "high": high, "level": told.level}


def _export(document: dict[str, Any], open_: Omissions) -> Export:
    text = json.dumps(document | {"omissions": open_.listed}, indent=2, ensure_ascii=False)
    return Export(text, tuple(open_.listed))
