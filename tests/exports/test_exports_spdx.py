"""SPDX: an AI package with its energy in kWh, and what is open in its comment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from subjects import EVERYTHING, LITTLE, TRAINING_KWH, subject

from wattmark.exports import Subject, export

UNKNOWN = tuple(
    f"{field}: a measurement does not know it"
    for field in ("suppliedBy", "releaseTime", "downloadLocation", "ai_informationAboutTraining")
)


def nodes(of: Subject) -> dict[str, dict[str, Any]]:
    graph = json.loads(export(of, "spdx").text)["@graph"]
    return {node["type"]: node for node in graph}


def kwh(of: Subject, activity: str) -> list[tuple[float, str]]:
    consumption = nodes(of)["ai_AIPackage"]["ai_energyConsumption"]
    found = consumption.get(f"ai_{activity}EnergyConsumption", [])
    return [(float(each["ai_energyQuantity"]), each["ai_energyUnit"]) for each in found]


def test_the_package_is_the_model_and_wattmark_made_the_document() -> None:
    found = nodes(EVERYTHING)
    package = found["ai_AIPackage"]
    assert package["name"] == "minilm-l6-sentiment"
    assert package["spdxId"] == "urn:wattmark:20260101-120000-quickstart:model"
    assert package["software_primaryPurpose"] == "model"
    assert package["ai_typeOfModel"] == ["text-classification"]
    assert found["SoftwareAgent"]["name"] == "wattmark 0.1.0"
    assert found["CreationInfo"]["created"] == "2026-01-01T12:00:00Z"
    assert found["CreationInfo"]["specVersion"] == "3.0.1"


def test_energy_is_that_of_the_facility_and_of_training_in_kwh() -> None:
    assert kwh(EVERYTHING, "inference") == [(pytest.approx(200 / 3.6e6 * 1.2), "kilowattHour")]
    assert kwh(EVERYTHING, "training") == [(pytest.approx(TRAINING_KWH), "kilowattHour")]


def test_the_metrics_are_texts() -> None:
    metrics = {m["key"]: m["value"] for m in nodes(EVERYTHING)["ai_AIPackage"]["ai_metric"]}
    assert metrics == {
        "queries measured": "1000",
        "setup": "pytorch/eager/fp32",
        "accuracy": "0.842 1",
    }


def test_what_is_open_is_in_the_comment() -> None:
    made = export(EVERYTHING, "spdx")
    assert made.omissions == UNKNOWN
    assert made.checked_against == "SPDX 3.0.1 model bindings (read back)"
    little = export(LITTLE, "spdx")
    assert little.omissions == ("ai_trainingEnergyConsumption: give --training", *UNKNOWN)
    comment = nodes(LITTLE)["ai_AIPackage"]["comment"]
    facts = [fact.sentence() for fact in LITTLE.facts()]
    assert comment == ". ".join([*facts, "Left open: " + "; ".join(little.omissions)])
    assert kwh(LITTLE, "training") == []


def test_without_energy_and_quality_there_is_neither() -> None:
    bare = subject(energy=False, quality=None)
    assert kwh(bare, "inference") == []
    assert export(bare, "spdx").omissions[0].startswith("ai_inferenceEnergyConsumption: ")
    assert "accuracy" not in str(nodes(bare)["ai_AIPackage"]["ai_metric"])
