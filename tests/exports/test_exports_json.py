"""The figures as one document, with the records that they are of."""

from __future__ import annotations

import json

import pytest
from subjects import EVERYTHING, LITTLE, subject

from wattmark.exports import export
from wattmark.impact.site import Site
from wattmark.records import Environment, ModelInfo, Result, TaskInfo


def test_the_records_read_back_as_they_were() -> None:
    document = json.loads(export(EVERYTHING, "json").text)
    assert document["run"] == "20260101-120000-quickstart"
    assert ModelInfo.model_validate(document["model"]) == EVERYTHING.run.model
    assert TaskInfo.model_validate(document["task"]) == EVERYTHING.run.task
    assert Environment.model_validate(document["environment"]) == EVERYTHING.run.environment
    assert Result.model_validate(document["result"]) == EVERYTHING.result


def test_the_impact_is_that_of_the_setup_and_the_place() -> None:
    (found,) = json.loads(export(EVERYTHING, "json").text)["impacts"].values()
    assert (found["use"], found["place"]) == ("pytorch/eager/fp32", "France")
    assert [line["key"] for line in found["lines"]] == [x.key for x in EVERYTHING.impact.lines]
    energy = found["lines"][0]["bases"]["per 1 000 queries"]
    ends = [3600 * energy[name] for name in ("low", "value", "high")]
    assert ends == pytest.approx([80.0, 200.0, 500.0])
    assert (energy["unit"], energy["grade"]) == ("Wh", "modelled")


def test_what_is_open_is_in_the_document() -> None:
    for of in (EVERYTHING, LITTLE):
        made = export(of, "json")
        assert tuple(json.loads(made.text)["omissions"]) == made.omissions
    assert "Water: give --wue-site or --provider" in export(LITTLE, "json").omissions


def test_names_are_written_with_their_own_letters() -> None:
    assert "Zürich" in export(subject(site=Site(name="Zürich")), "json").text
