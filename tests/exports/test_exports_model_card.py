"""A model card: grams of training in the front matter, inference in a table apart."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from subjects import EVERYTHING, LITTLE, TRAINING_KWH, subject

from wattmark.exports import Subject, export
from wattmark.impact.site import Site


def front(of: Subject) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(export(of, "model-card").text.split("---")[1])
    return found


def table(of: Subject) -> dict[str, str]:
    lines = [x for x in export(of, "model-card").text.splitlines() if x.startswith("| ")]
    return dict(line.strip("| ").split(" | ") for line in lines[2:])


def test_emissions_are_grams_of_training() -> None:
    assert front(EVERYTHING) == {
        "co2_eq_emissions": {
            "emissions": pytest.approx(TRAINING_KWH * 50),
            "source": "wattmark 0.1.0, run 20260101-120000-quickstart",
            "geographical_location": "Sweden",
            "hardware_used": "8 A100",
        }
    }


def test_without_training_and_place_neither_stands_there() -> None:
    assert front(LITTLE) == {
        "co2_eq_emissions": {
            "source": "wattmark 0.1.0, run 20260101-120000-quickstart",
        }
    }
    assert export(LITTLE, "model-card").omissions[:4] == (
        "co2_eq_emissions.emissions: give --training",
        "co2_eq_emissions.geographical_location: of training: give region in --training",
        "co2_eq_emissions.hardware_used: of training: give hardware_used in --training",
        "co2_eq_emissions.training_type: pre-training or fine-tuning is not known",
    )


def test_place_and_hardware_of_inference_stand_above_its_table_alone() -> None:
    environment = EVERYTHING.run.environment.model_copy(update={"gpus": ("H100", "H100")})
    of = subject(run={"environment": environment}, site=Site(region="FR"))
    assert set(front(of)["co2_eq_emissions"]) == {"source"}
    assert "## Inference impact: pytorch/eager/fp32, in France, on H100, H100" in (
        export(of, "model-card").text
    )


def test_the_table_has_what_is_known_of_a_query() -> None:
    found = table(EVERYTHING)
    assert found["Energy of the machines"] == "56 [22, 139] uWh/query"
    assert found["Energy of the facility"] == "67 [27, 167] uWh/query"
    assert found["CO2e of electricity, location-based"] == "3.3 [1.3, 8.3] ug/query"
    assert found["CO2e embodied"] == "24.94 [24.45, 25.45] ug/query"
    assert found["Water"] == "140 [60, 350] nL/query"
    assert "CO2e of electricity, market-based" not in found
    assert list(table(LITTLE)) == ["Energy of the machines", "Energy of the facility"]


def test_what_is_open_stands_below_it() -> None:
    made = export(EVERYTHING, "model-card")
    assert "## Inference impact: pytorch/eager/fp32, in France" in made.text
    listed = made.text.split("Left open:\n\n")[1].splitlines()
    assert listed == [f"- {omission}" for omission in made.omissions]
    assert made.omissions[-1] == "Cost of the rented machine: give --instance-price"
