"""CycloneDX: inference and training apart, kWh of the facility, tonnes of CO2e."""

from __future__ import annotations

import json
from typing import Any

import pytest
from subjects import EVERYTHING, LITTLE, TRAINING_KWH, subject

from wattmark.errors import ExportError
from wattmark.exports import Subject, export
from wattmark.exports.schema_validation import check_cyclonedx

UNKNOWN_PROVIDER = "energyProviders: who supplied the electricity, and from what, is not known"


def card_of(subject: Subject) -> dict[str, Any]:
    (component,) = json.loads(export(subject, "cyclonedx").text)["components"]
    card: dict[str, Any] = component["modelCard"]
    return card


def consumptions(subject: Subject) -> dict[str, dict[str, Any]]:
    found = card_of(subject)["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    return {each["activity"]: each for each in found}


def test_the_bill_names_the_model_and_the_tool() -> None:
    made = export(EVERYTHING, "cyclonedx")
    document = json.loads(made.text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"] == {
        "timestamp": "2026-01-01T12:00:00+00:00",
        "tools": {"components": [{"type": "application", "name": "wattmark", "version": "0.1.0"}]},
    }
    (component,) = document["components"]
    assert component["type"] == "machine-learning-model"
    assert component["name"] == "minilm-l6-sentiment"
    assert component["licenses"] == [{"license": {"name": "Apache-2.0"}}]
    assert component["modelCard"]["modelParameters"] == {"task": "text-classification"}
    assert made.checked_against == "CycloneDX 1.6 JSON schema"
    assert made.omissions == (UNKNOWN_PROVIDER,)


@pytest.mark.parametrize(
    ("activity", "kwh", "interval", "place", "scope"),
    [
        (
            "inference",
            200 / 3.6e6 * 1.2,
            "[2.66667e-05, 0.000166667]",
            "France",
            "1000 measured queries",
        ),
        ("training", TRAINING_KWH, "[534.722, 534.722]", "Sweden", "the whole training"),
    ],
)
def test_energy_is_in_kwh_and_carbon_in_tonnes(
    activity: str, kwh: float, interval: str, place: str, scope: str
) -> None:
    found = consumptions(EVERYTHING)[activity]
    assert found["activityEnergyCost"] == {"value": pytest.approx(kwh), "unit": "kWh"}
    tonnes = pytest.approx(kwh * 50 / 1e6)
    assert found["co2CostEquivalent"] == {"value": tonnes, "unit": "tCO2eq"}
    assert found["energyProviders"] == [
        {
            "organization": {"name": "unknown"},
            "energySource": "unknown",
            "energyProvided": found["activityEnergyCost"],
        }
    ]
    assert found["properties"] == [
        {"name": "wattmark:grade", "value": "modelled"},
        {"name": "wattmark:interval_kwh", "value": interval},
        {"name": "wattmark:boundary", "value": "facility"},
        {"name": "wattmark:place", "value": place},
        {"name": "wattmark:scope", "value": scope},
    ]


def test_the_metrics_have_intervals() -> None:
    assert card_of(EVERYTHING)["quantitativeAnalysis"]["performanceMetrics"] == [
        {
            "type": "energy per query, Wh (machines)",
            "value": "5.55556e-05",
            "confidenceInterval": {"lowerBound": "2.22222e-05", "upperBound": "0.000138889"},
        },
        {
            "type": "accuracy",
            "value": "0.842",
            "confidenceInterval": {"lowerBound": "0.818", "upperBound": "0.864"},
        },
    ]


def test_what_is_not_known_is_left_out_and_listed() -> None:
    made = export(LITTLE, "cyclonedx")
    (found,) = consumptions(LITTLE).values()
    assert found["activity"] == "inference" and "co2CostEquivalent" not in found
    assert made.omissions == (
        "inference: co2CostEquivalent: give --region, or --provider and --zone",
        "training: activityEnergyCost: give --training",
        UNKNOWN_PROVIDER,
    )
    properties = [(p["name"], p["value"]) for p in card_of(LITTLE)["properties"]]
    assert properties == [
        ("wattmark:queries", "1000"),
        ("wattmark:setup", "pytorch/eager/fp32"),
        *(("wattmark:fact", fact.sentence()) for fact in LITTLE.facts()),
        *(("wattmark:omission", text) for text in made.omissions),
    ]


def test_a_result_without_energy_and_quality_has_neither() -> None:
    bare = subject(energy=False, quality=None)
    assert consumptions(bare) == {}
    assert card_of(bare)["quantitativeAnalysis"]["performanceMetrics"] == []


def test_a_document_that_breaks_the_schema_is_refused_by_its_field() -> None:
    document = json.loads(export(EVERYTHING, "cyclonedx").text)
    card = document["components"][0]["modelCard"]
    considered = card["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    considered[0]["activityEnergyCost"]["unit"] = "J"
    with pytest.raises(ExportError, match=r"CycloneDX: .*'J' is not one of"):
        check_cyclonedx(document)
