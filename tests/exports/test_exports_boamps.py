"""BoAmps: kWh of all queries, parameters in billions, and no report without energy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from subjects import EVERYTHING, LITTLE, subject, subject_of

from wattmark.errors import ExportError
from wattmark.exports import Subject, export
from wattmark.exports.facts import Fact
from wattmark.exports.schema_validation import check_boamps
from wattmark.impact.site import Site
from wattmark.quantities import Grade, Quantity


def boamps(of: Subject) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(export(of, "boamps").text)
    return document


def test_the_report_of_a_modelled_result_in_france() -> None:
    made = export(EVERYTHING, "boamps")
    document = json.loads(made.text)
    (measure,) = document.pop("measures")
    assert measure.pop("powerConsumption") == pytest.approx(200 / 3.6e6)  # 1000 times 0.2 J, in kWh
    boundary = "boundary IT: the machines, without PUE"
    assert measure == {
        "measurementMethod": f"wattmark (modelled: modelled-cpu); {boundary}",
        "version": "0.1.0",
        "measurementDateTime": "2026-01-01 12:00:00",
    }
    assert document["environment"].pop("powerSourceCarbonIntensity") == pytest.approx(50)
    assert document == {
        "header": {
            "licensing": "Creative Commons 4.0",
            "reportId": "20260101-120000-quickstart",
            "reportDatetime": "2026-01-01 12:00:00",
            "reportStatus": "draft",
        },
        "task": {
            "taskStage": "inference",
            "taskFamily": "text-classification",
            "nbRequest": 1000,
            "algorithms": [
                {
                    "algorithmName": "minilm-l6-sentiment",
                    "framework": "pytorch/eager",
                    "quantization": "fp32",
                    "parametersNumber": 0.022713986,
                }
            ],
            "dataset": [{"dataUsage": "input", "dataType": "text", "dataQuantity": 1000}],
            "measuredAccuracy": 0.842,
            "taskDescription": ". ".join(
                [*map(Fact.sentence, EVERYTHING.facts()), "Left open: " + "; ".join(made.omissions)]
            ),
        },
        "system": {"os": "Debian GNU/Linux 12"},
        "software": {"language": "python", "version": "3.11.9"},
        "infrastructure": {
            "infraType": "other",
            "components": [
                {"componentName": "AMD EPYC 7763", "componentType": "cpu", "nbComponent": 1},
                {"componentType": "ram", "nbComponent": 1, "memorySize": 17},
            ],
        },
        "environment": {"country": "France"},
    }
    assert made.omissions == (
        "quality: the interval is wider than 50 %, which BoAmps has no word for",
        "publisher: who publishes the report is for them to say",
    )
    assert made.checked_against.startswith("BoAmps report schema")


def test_without_a_region_there_is_no_environment() -> None:
    made = export(LITTLE, "boamps")
    assert "environment" not in json.loads(made.text)
    assert made.omissions[0] == "environment.country: give --region"


def test_without_energy_it_is_refused_and_never_zero() -> None:
    with pytest.raises(ExportError, match="requires the energy of the task, which is missing"):
        export(subject(energy=False), "boamps")


def test_what_the_model_and_the_task_do_not_say_is_left_out() -> None:
    run = EVERYTHING.run
    model = run.model.model_copy(update={"parameters": None})
    made = export(subject(run={"model": model}, quality=None), "boamps")
    document = json.loads(made.text)
    assert "parametersNumber" not in document["task"]["algorithms"][0]
    assert "measuredAccuracy" not in document["task"]
    assert made.omissions[:2] == (
        "parametersNumber: the model does not say how many it has",
        "measuredAccuracy: quality was not measured",
    )


def test_a_metric_that_is_no_share_is_no_accuracy() -> None:
    quality = EVERYTHING.result.quality
    assert quality is not None
    bleu = quality.model_copy(update={"metric": "BLEU", "value": Quantity.exact(27.3, "1")})
    made = export(subject(quality=bleu), "boamps")
    assert "measuredAccuracy: BLEU is no share of right answers" in made.omissions


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ("image-classification", "image"),
        ("object-detection", "image"),
        ("automatic-speech-recognition", "audio"),
        ("image-generation", "text"),
        ("summarization", "text"),
    ],
)
def test_the_kind_of_data_is_that_of_what_goes_in(task: str, kind: str) -> None:
    info = EVERYTHING.run.task.model_copy(update={"name": task})
    (data,) = boamps(subject(run={"task": info}))["task"]["dataset"]
    assert data["dataType"] == kind


def test_accelerators_are_counted_and_a_cloud_is_named() -> None:
    environment = EVERYTHING.run.environment.model_copy(
        update={"gpus": ("L4", "H100", "L4"), "memory_bytes": None}
    )
    site = Site(provider="gcp", zone="europe-west9")
    found = boamps(subject(site=site, run={"environment": environment}))["infrastructure"]
    assert (found["infraType"], found["cloudProvider"]) == ("publicCloud", "gcp")
    parts = [
        (c["componentType"], c.get("componentName"), c["nbComponent"]) for c in found["components"]
    ]
    assert parts == [("cpu", "AMD EPYC 7763", 1), ("gpu", "H100", 1), ("gpu", "L4", 2)]


@pytest.mark.parametrize(
    ("share", "word"), [(0.10, "high"), (0.25, "medium"), (0.50, "low"), (0.51, None)]
)
def test_the_width_of_the_interval_has_a_word(share: float, word: str | None) -> None:
    (energy,) = EVERYTHING.result.energy
    joules = Quantity.between(1.0, 1.0 - share + 1e-9, 1.0, "J/query", grade=Grade.COUNTED)
    narrow = energy.model_copy(update={"per_query": joules})
    result = EVERYTHING.result.model_copy(update={"energy": (narrow,)})
    assert boamps(subject_of(result)).get("quality") == word


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: d.pop("measures"), "'measures' is a required property"),
        (lambda d: d["task"].update(measuredAccuracy=84), "84 is greater than the maximum"),
        (lambda d: d["task"].update(nbRequests=3), "nbRequests"),
        (lambda d: d["infrastructure"].update(infraType="cloud"), "'cloud' is not one of"),
    ],
)
def test_a_report_that_breaks_the_schema_is_refused_by_its_field(spoil: Any, said: str) -> None:
    document = boamps(EVERYTHING)
    spoil(document)
    with pytest.raises(ExportError, match=said):
        check_boamps(document)
