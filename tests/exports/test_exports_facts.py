"""One run, one set of facts: every format has the same figures, with boundary, place and phase."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

import pytest
from subjects import EVERYTHING, LITTLE, subject

from wattmark.exports import Subject, export
from wattmark.impact.site import Site
from wattmark.impact.training_file import Training

FORMATS = sorted(
    point.name
    for point in entry_points(group="wattmark.exports")
    if point.value.startswith("wattmark.")
)
#: 600 queries of a task that has a thousand, in a named hall in Germany; training in Sweden.
RUN = replace(
    EVERYTHING,
    result=EVERYTHING.result.model_copy(update={"queries": 600}),
    site=EVERYTHING.site.model_copy(update={"region": "DE", "name": "our hall"}),
)


def texts(value: Any) -> list[str]:
    """All texts in a document."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


def rows(of: Subject) -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in csv.DictReader(io.StringIO(export(of, "csv").text))}


def test_a_fact_says_phase_boundary_place_and_of_what() -> None:
    assert [fact.sentence() for fact in RUN.facts()] == [
        "energy: 3.33333e-05 kWh [1.33333e-05, 8.33333e-05]; phase: inference; boundary: IT; "
        "place: Germany; of 600 measured queries",
        "energy: 4e-05 kWh [1.6e-05, 0.0001]; phase: inference; boundary: facility (PUE 1.2); "
        "place: Germany; of 600 measured queries",
        "CO2e of electricity, location-based: 2e-06 kg [8e-07, 5e-06]; phase: inference; "
        "boundary: facility (PUE 1.2); place: Germany; of 600 measured queries",
        "energy: 534.722 kWh [534.722, 534.722]; phase: training; boundary: facility (PUE 1.1); "
        "place: Sweden; of the whole training",
        "CO2e of electricity, location-based: 26.7361 kg [26.7361, 26.7361]; phase: training; "
        "boundary: facility (PUE 1.1); place: Sweden; of the whole training",
    ]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("of", [RUN, LITTLE], ids=["all known", "little known"])
def test_every_format_has_the_same_facts(format_: str, of: Subject) -> None:
    made = export(of, format_).text
    if format_ == "csv":
        found = {key: row for key, row in rows(of).items() if row["scope"] != "a query"}
        for fact in of.facts():
            row, told = found.pop(fact.key), fact.document()
            assert float(row["value"]) == told["value"]
            assert [row[name] for name in ("phase", "boundary", "place", "unit")] == [
                told[name] for name in ("phase", "boundary", "place", "unit")
            ]
        assert not found
        return
    said = texts(json.loads(made)) if made.lstrip().startswith("{") else [made]
    for fact in of.facts():
        assert any(fact.sentence() in text for text in said), fact.key
    assert sum(text.count("; phase: ") for text in said) == len(of.facts())


def test_fields_of_their_own_hold_the_same_figures() -> None:
    facts = {fact.key: fact.document() for fact in RUN.facts()}
    boamps = json.loads(export(RUN, "boamps").text)
    graph = json.loads(export(RUN, "spdx").text)["@graph"]
    package = next(node for node in graph if node["type"] == "ai_AIPackage")
    spdx = package["ai_energyConsumption"]["ai_inferenceEnergyConsumption"][0]["ai_energyQuantity"]
    component = json.loads(export(RUN, "cyclonedx").text)["components"][0]["modelCard"]
    energies = component["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    cyclonedx = {each["activity"]: each["activityEnergyCost"]["value"] for each in energies}
    facility = facts["inference_facility"]["value"]
    assert float(spdx) == pytest.approx(facility) == cyclonedx["inference"]
    assert cyclonedx["training"] == facts["training_energy"]["value"]
    assert boamps["measures"][0]["powerConsumption"] == facts["inference_it"]["value"]
    assert float(rows(RUN)["inference_it"]["value"]) == facts["inference_it"]["value"]
    assert (
        json.loads(export(RUN, "json").text)["facts"][0]["value"]
        == (facts["inference_it"]["value"])
    )


def test_as_many_data_as_queries_that_were_measured() -> None:
    task = json.loads(export(RUN, "boamps").text)["task"]
    assert task["nbRequest"] == task["dataset"][0]["dataQuantity"] == 600
    assert RUN.run.task.samples == 1000


def test_a_site_called_by_its_owner_still_lies_in_a_country() -> None:
    assert json.loads(export(RUN, "boamps").text)["environment"]["country"] == "Germany"
    hall = subject(site=Site(name="our hall", region="DE"))
    assert "in our hall" in export(hall, "model-card").text
    assert [fact.place for fact in hall.facts()] == ["Germany"] * 3
    assert subject(site=Site(provider="gcp", zone="europe-west9")).place == (
        "gcp europe-west9, France"
    )


def test_training_has_the_grid_of_its_own_place_or_none() -> None:
    of = {"measured": {"energy_kwh": 100.0, "grade": "metered"}}
    nowhere = replace(RUN, training=Training.parse(of, "t.yaml"))
    assert nowhere.training_kg().detail.startswith("say in the training file where it ran")
    energy = next(fact for fact in nowhere.facts() if fact.phase == "training")
    assert (energy.boundary, energy.place) == ("IT", "no place")  # nobody gave a PUE
    there = replace(RUN, training=Training.parse(of | {"region": "IS"}, "t.yaml"))
    assert there.training_kg().bounds()[1] == pytest.approx(2.8, rel=0.02)  # 28 g/kWh
