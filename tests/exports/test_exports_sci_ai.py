"""SCI for AI: the consumer's score per token or inference, the provider's per operation."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from subjects import EVERYTHING, LITTLE, TRAINING_KWH, WORN, subject

from wattmark.exports import export
from wattmark.impact import assess
from wattmark.impact.training_file import Training
from wattmark.quantities import Quantity

SCORE_G = 0.2 / 3.6e6 * 1.2 * 50 + 100e3 * WORN


def test_a_classifier_is_scored_by_the_inference_gross() -> None:
    consumer = json.loads(export(EVERYTHING, "sci-ai").text)["consumer"]
    assert (consumer["functional_unit"], consumer["effective"]) == ("inference", False)
    assert consumer["SCI_g"]["value"] == pytest.approx(SCORE_G, rel=1e-12)


def test_generated_text_is_scored_by_the_output_token() -> None:
    use = replace(EVERYTHING.impact.use, tokens=Quantity.exact(40.0, "token/query"))
    of = replace(EVERYTHING, impact=assess(use, EVERYTHING.impact.place))
    consumer = json.loads(export(of, "sci-ai").text)["consumer"]
    assert consumer["functional_unit"] == "output token"
    assert consumer["SCI_g"]["value"] == pytest.approx(SCORE_G / 40, rel=1e-12)
    assert consumer["E_kwh"]["value"] == pytest.approx(0.2 / 3.6e6 * 1.2 / 40, rel=1e-12)


def test_the_provider_is_scored_by_the_operation_of_training() -> None:
    document = json.loads(export(EVERYTHING, "sci-ai").text)
    assert document["standard"].startswith("SCI for AI")
    assert document["provider"]["functional_unit"] == "FLOP of training"
    found = document["provider"]["SCI_g"]["value"]
    assert found == pytest.approx(TRAINING_KWH * 50 / 1e21, rel=1e-12)
    assert document["omissions"] == []


def test_training_that_was_measured_is_scored_as_a_whole() -> None:
    metered = {"energy_kwh": 100, "grade": "metered"}
    measured = Training.parse(
        {"name": "m", "pue": 1.1, "grid_carbon": 50.0, "measured": metered}, "t.yaml"
    )
    made = export(replace(EVERYTHING, training=measured), "sci-ai")
    provider = json.loads(made.text)["provider"]
    assert provider["functional_unit"] == "training, whole"
    assert provider["SCI_g"]["value"] == pytest.approx(100 * 1.1 * 50)
    assert made.omissions == (
        "provider: functional unit: training was not given by its operations",
    )


def test_without_training_there_is_no_provider() -> None:
    made = export(LITTLE, "sci-ai")
    assert json.loads(made.text)["provider"] is None
    assert made.omissions[-1] == "provider: give --training: nothing is known of training"
    assert json.loads(export(subject(), "sci-ai").text)["consumer"]["SCI_g"]["value"] is None


def test_where_an_answer_may_hold_no_token_it_is_scored_by_the_inference() -> None:
    tokens = Quantity.between(3.0, 0.0, 6.0, "token/query")
    use = replace(EVERYTHING.impact.use, tokens=tokens)
    of = replace(EVERYTHING, impact=assess(use, EVERYTHING.impact.place))
    consumer = json.loads(export(of, "sci-ai").text)["consumer"]
    assert consumer["functional_unit"] == "inference"
    assert consumer["SCI_g"]["value"] == pytest.approx(SCORE_G, rel=1e-12)
