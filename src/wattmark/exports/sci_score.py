"""Scores of software carbon intensity: grams of CO2e per functional unit, and what is in them."""

from __future__ import annotations

import json
from typing import Any

from wattmark.contracts import Exported
from wattmark.exports.subject import Omissions, Subject
from wattmark.quantities import Quantity

RULES = (
    "location-based; market instruments are excluded; energy includes the building (PUE) and what "
    "the machines drew at idle within the window"
)


def identity(subject: Subject) -> dict[str, Any]:
    """What the score is of, and where its boundary lies."""
    run = subject.run
    return {
        "software": run.model.name,
        "setup": subject.result.id,
        "run": run.id,
        "place": subject.impact.place.name,
        "phase": "inference",
        "boundary": "one machine while it answers, with its building (PUE); network and the user's "
        "device are outside",
        "facts": [fact.document() | {"text": fact.sentence()} for fact in subject.facts()],
    }


def score(subject: Subject, basis: Quantity, open_: Omissions) -> dict[str, Any]:
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
        "E_kwh": figure((per_unit("energy_facility")), "kWh"),
        "I_g_per_kwh": figure(impact.place.carbon.quantity, "g/kWh"),
        "O_g": figure(operational, "g"),
        "M_g": figure(made, "g"),
        "SCI_g": figure(total, "g"),
    }


def figure(quantity: Quantity, unit: str) -> dict[str, Any]:
    """Value, range and level in ``unit`` per whatever it is per, or why it is missing."""
    if not quantity.known:
        return {"value": None, "reason": str(quantity.reason), "detail": quantity.detail}
    numerator = quantity.unit.split("/")[0]
    tail = quantity.unit.removeprefix(numerator)
    told = quantity.to(unit if "/" in unit else unit + tail)
    low, value, high = told.bounds()
    return {"value": value, "low": low, "high": high, "level": told.level}


def as_document(document: dict[str, Any], open_: Omissions) -> Exported:
    """The document with what it leaves open at its end."""
    text = json.dumps(document | {"omissions": open_.listed}, indent=2, ensure_ascii=False)
    return Exported(text, tuple(open_.listed))
