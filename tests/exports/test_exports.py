"""Exports in every format: checked where a schema exists, and honest about what is open."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml
from synthetic_run import BASELINE, MEASURED, make_result, make_run

from wattmark.errors import ExportError, UnknownNameError
from wattmark.exports import FORMATS, Subject, export
from wattmark.exports.schema_validation import check_boamps, check_cyclonedx
from wattmark.impact import assess
from wattmark.impact.site import Site
from wattmark.impact.training_file import Training
from wattmark.workflows.placing import place, use_of

TRAINING = Training.parse(
    {
        "name": "by hand",
        "pue": 1.1,
        "flops": {"flop": 1e21, "peak_flop_per_s": 1e15, "mfu": 0.4, "power_w": 700},
    },
    "training.yaml",
)
TRAINING_KWH = 1e21 / (1e15 * 0.4) * 700 / 3.6e6 * 1.1


def subject(
    *, site: Site | None = None, training: Training | None = None, energy: bool = True
) -> Subject:
    result = make_result(BASELINE, *MEASURED[BASELINE], energy=energy)
    where = site or Site(region="FR")
    return Subject(
        run=make_run([result]),
        result=result,
        impact=assess(use_of(result), place(where)[0]),
        site=where,
        training=training,
    )


EVERYTHING = subject(
    site=Site(region="FR", pue=1.2, wue_site=0.1, devices=("ai-server",), price="0.2EUR/kWh"),
    training=TRAINING,
)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("known", [True, False], ids=["everything known", "little known"])
def test_every_format_holds_the_result_and_lists_what_is_open(format_: str, known: bool) -> None:
    made = export(EVERYTHING if known else subject(site=Site()), format_)
    assert EVERYTHING.run.model.name in made.text or format_ == "csv" or format_ == "model-card"
    assert "nan" not in made.text.lower().split()
    assert known or made.omissions
    assert all(": " in omission for omission in made.omissions)


@pytest.mark.parametrize("format_", ["boamps", "cyclonedx", "spdx"])
def test_what_has_a_schema_says_what_it_was_checked_against(format_: str) -> None:
    assert export(EVERYTHING, format_).checked_against


def test_an_unknown_format_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'boamps'"):
        export(EVERYTHING, "boamp")


def test_boamps_counts_kwh_of_all_queries_and_billions_of_parameters() -> None:
    document = json.loads(export(EVERYTHING, "boamps").text)
    (measure,) = document["measures"]
    per_query = EVERYTHING.energy_it.to("kWh/query").bounds()[1]
    assert document["task"]["nbRequest"] == EVERYTHING.queries > 0
    assert measure["powerConsumption"] == pytest.approx(per_query * EVERYTHING.queries)
    assert "modelled" in measure["measurementMethod"]
    assert document["environment"]["country"] == "France"
    assert "publisher" in document["task"]["taskDescription"]


def test_boamps_without_energy_is_refused_and_never_zero() -> None:
    with pytest.raises(ExportError, match="requires the energy of the task, which is missing"):
        export(subject(energy=False), "boamps")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: d.pop("measures"), "'measures' is a required property"),
        (lambda d: d["task"].update(measuredAccuracy=84), "84 is greater than the maximum"),
        (lambda d: d["task"].update(nbRequests=3), "nbRequests"),
        (lambda d: d["infrastructure"].update(infraType="cloud"), "'cloud' is not one of"),
    ],
)
def test_a_report_that_breaks_the_boamps_schema_is_refused_by_its_field(spoil, said) -> None:
    document = json.loads(export(EVERYTHING, "boamps").text)
    spoil(document)
    with pytest.raises(ExportError, match=said):
        check_boamps(document)


def test_cyclonedx_has_inference_and_training_apart() -> None:
    document = json.loads(export(EVERYTHING, "cyclonedx").text)
    card = document["components"][0]["modelCard"]
    considered = card["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    costs = {c["activity"]: c["activityEnergyCost"]["value"] for c in considered}
    assert costs["training"] == pytest.approx(TRAINING_KWH)
    inference = EVERYTHING.energy_it.to("kWh/query").bounds()[1] * EVERYTHING.queries * 1.2
    assert costs["inference"] == pytest.approx(inference)
    carbon = EVERYTHING.impact.place.carbon.quantity.to("t/kWh").bounds()[1]
    tonnes = {c["activity"]: c["co2CostEquivalent"]["value"] for c in considered}
    assert tonnes["training"] == pytest.approx(TRAINING_KWH * carbon)
    considered[0]["activityEnergyCost"]["unit"] = "J"
    with pytest.raises(ExportError, match=r"CycloneDX: .*'J' is not one of"):
        check_cyclonedx(document)


def test_spdx_has_the_energy_in_kwh_and_what_is_open() -> None:
    graph = json.loads(export(EVERYTHING, "spdx").text)["@graph"]
    (package,) = (n for n in graph if n.get("type") == "ai_AIPackage")
    text = json.dumps(graph)
    assert package["name"] == EVERYTHING.run.model.name
    assert "suppliedBy" in package["comment"]
    assert "kilowattHour" in text and f"{TRAINING_KWH:.1f}" in text


def test_sci_is_operational_and_embodied_and_null_without_the_latter() -> None:
    whole = json.loads(export(EVERYTHING, "sci").text)
    assert whole["SCI_g"]["value"] == pytest.approx(whole["O_g"]["value"] + whole["M_g"]["value"])
    assert whole["functional_unit"] == "query"
    bare = json.loads(export(subject(), "sci").text)
    assert bare["SCI_g"]["value"] is None and bare["O_g"]["value"] > 0
    assert any(text.startswith("SCI: ") for text in bare["omissions"])


def test_sci_for_ai_has_the_providers_score_by_operation() -> None:
    document = json.loads(export(EVERYTHING, "sci-ai").text)
    carbon = EVERYTHING.impact.place.carbon.quantity.to("g/kWh").bounds()[1]
    provider = document["provider"]
    assert provider["functional_unit"] == "FLOP of training"
    assert provider["SCI_g"]["value"] == pytest.approx(TRAINING_KWH * carbon / 1e21)
    assert document["consumer"]["functional_unit"] == "inference"
    assert json.loads(export(subject(), "sci-ai").text)["provider"] is None


def test_the_sheet_of_annex_xi_has_every_point_in_its_order() -> None:
    text = export(EVERYTHING, "eu-ai-act-annex-xi").text
    first, second = text.split("## 2. Elements")
    for part, letters in ((first, "abcdef"), (second, "abcde")):
        at = [part.index(f"**({letter}) ") for letter in letters]
        assert at == sorted(at)
    assert "534.7 kWh (modelled)" in text
    assert "use policies: for the provider to say" in text.split("## Omissions")[1]


def test_the_sheet_of_l_1801_keeps_training_and_inference_apart() -> None:
    text = export(EVERYTHING, "itu-l1801").text
    parts = [text.index(f"## {name}") for name in ("Functional unit", "Training", "Inference")]
    assert parts == sorted(parts)
    assert "End of life" in text and "no source has it" in text


def test_a_model_card_gives_trainings_grams_and_never_inferences_in_their_place() -> None:
    def front(made: str) -> dict:
        return yaml.safe_load(made.split("---")[1])["co2_eq_emissions"]

    carbon = EVERYTHING.impact.place.carbon.quantity.to("g/kWh").bounds()[1]
    with_training = front(export(EVERYTHING, "model-card").text)
    assert with_training["emissions"] == pytest.approx(TRAINING_KWH * carbon)
    assert with_training["geographical_location"] == "France"
    assert "emissions" not in front(export(subject(), "model-card").text)


def test_csv_and_json_have_every_line() -> None:
    rows = list(csv.DictReader(io.StringIO(export(EVERYTHING, "csv").text)))
    keys = [line.key for line in EVERYTHING.impact.lines]
    assert [row["key"] for row in rows] == keys
    market = next(row for row in rows if row["key"] == "carbon_market")
    assert (market["value"], market["reason"]) == ("", "not_given")
    (found,) = json.loads(export(EVERYTHING, "json").text)["impacts"].values()
    assert [line["key"] for line in found["lines"]] == keys
