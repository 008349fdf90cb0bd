"""``wattmark impact`` and ``wattmark lifetime`` as a user calls them, on a stored-like run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthetic_run import BASELINE, MEASURED, make_result, make_run
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.errors import WattmarkError
from wattmark.workflows import runs


@pytest.fixture(autouse=True)
def a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run([make_result(s, *MEASURED[s]) for s in (BASELINE, "openvino/cpu/fp32")])
    monkeypatch.setattr(runs, "load", lambda name="latest": run)


def wattmark(*arguments: str) -> str:
    """What the command prints to stdout; its error is raised."""
    found = CliRunner().invoke(app, arguments)
    if found.exception is not None:
        raise found.exception
    return found.stdout


def refused(*arguments: str) -> str:
    with pytest.raises(WattmarkError) as raised:
        wattmark(*arguments)
    assert raised.value.exit_code == 2
    return str(raised.value)


def lines(document: str, name: str) -> dict[str, dict]:
    found = json.loads(document)["impacts"][name]["lines"]
    return {line["key"]: line["bases"] for line in found}


def test_a_run_in_a_place_with_all_that_can_be_said_of_it(tmp_path: Path) -> None:
    terms = ["--pue", "1.15", "--wue-site", "0.2", "--price", "0.25EUR/kWh"]
    more = ["--device", "h100:8", "--device", "ai-server", "--instance-price", "30USD/h"]
    text = wattmark("impact", "latest", "--region", "FR", *terms, *more, "--volume", "5e6/day")
    assert f"{BASELINE} in France" in text
    for heading in ("per query", "per 1 000 queries", "per year"):
        assert heading in text
    rows = {row.split("  ")[0]: row for row in text.splitlines()}
    for title in ("Energy of the facility", "CO2e embodied", "Water", "Cost of electricity"):
        assert "—" not in rows[title], title
    assert "— give --market-carbon" in rows["CO2e of electricity, market-based"]


def test_the_bases_are_multiples_of_each_other() -> None:
    found = lines(
        wattmark("impact", "--region", "DE", "--volume", "1000/day", "--json"),
        f"{BASELINE} in Germany",
    )
    carbon = found["carbon_location"]
    assert set(carbon) == {"per query", "per 1 000 queries", "per year"}
    assert carbon["per 1 000 queries"]["value"] == pytest.approx(
        1000 * carbon["per query"]["value"]
    )
    assert carbon["per year"]["value"] == pytest.approx(365_000 * carbon["per query"]["value"])
    assert found["carbon_market"]["per query"]["reason"] == "not_given"
    for key, unit in (("energy_it", "Wh"), ("carbon_location", "g"), ("water_off_site", "mL")):
        assert [figure["unit"] for figure in found[key].values()] == [unit] * 3


@pytest.mark.parametrize("typed", ["1,2kWh", "1mwh", "3 kilowatt"])
def test_a_mistyped_energy_is_refused_as_an_energy(typed: str) -> None:
    assert refused("impact", typed).startswith(f"energy: '{typed}'")
    assert "1 GWh" in wattmark("impact", "1gwh")


def test_every_setup_of_the_run() -> None:
    text = wattmark("impact", "--region", "DE", "--setup", "all", "--json")
    assert set(json.loads(text)["impacts"]) == {
        f"{BASELINE} in Germany",
        "openvino/cpu/fp32 in Germany",
    }
    assert "did you mean 'openvino/cpu/fp32'" in refused("impact", "--setup", "openvino/cpu/fp23")


def test_regions_side_by_side_cleanest_first() -> None:
    text = wattmark("impact", "1.2kWh", "--compare", "IN, FR,US,IS")
    places = [line.split("  ")[0] for line in text.splitlines()[2:]]
    assert places == ["Iceland", "France", "United States", "India"]


def test_a_bare_number_with_every_line_explained() -> None:
    text = wattmark("impact", "1.2kWh", "--region", "DE", "--pue", "1", "--explain")
    assert "= E_IT x PUE x carbon of the grid" in text
    assert "carbon of the grid of Germany: 0.330 [0.330, 0.381] kg/kWh" in text
    assert "source: ecologits" in text and "MPL-2.0" in text
    assert "PUE: 1\n    source: given by the user" in text


def test_a_site_file_with_its_options_overridden(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        "name: our hall\nprovider: gcp\nzone: europe-west9\nmarket_carbon: 12\n"
        "devices: [{name: box, carbon_kg: 900, lifetime_years: 4, source: the maker}]\n"
    )
    found = lines(wattmark("impact", "--site", str(site), "--json"), f"{BASELINE} in our hall")
    assert found["carbon_market"]["per query"]["value"] > 0
    assert found["carbon_embodied"]["per query"]["value"] > 0
    assert found["adpe_embodied"]["per query"]["reason"] == "not_given"
    text = wattmark("impact", "--site", str(site), "--explain", "--pue", "1.3")
    assert "PUE: 1.3\n" in text and "source: the maker" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("regoin: FR", "unknown key 'regoin'; known: name, region"),
        ("pue: [1]", "pue"),
        ("pue: {value: 1.2, low: 1.3, high: 1.4}", "1.2 is not within"),
        ("- FR", "a site is a mapping"),
        ("{", "site.yaml: line 1, column 2"),
        ("pue: 0.8", "pue: 0.8 is below 1"),
        ("wue_site: -1", "wue_site: -1 is below zero"),
        ("share: 1.5", "share: 1.5 is not a share"),
        ("price: cheap", "price: 'cheap' does not begin with a number"),
        ("zone: us-east-1", "zone: 'us-east-1' needs a provider"),
        ("devices: [h100:0]", "device: 'h100:0'"),
    ],
)
def test_a_bad_site_is_refused_by_its_field(tmp_path: Path, content: str, said: str) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(content)
    assert said in refused("impact", "1kWh", "--site", str(site))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--region", "Frnace"], "unknown region 'Frnace': did you mean 'France'"),
        (["--pue", "0.9"], "pue: 0.9 is below 1"),
        (["--volume", "5e6"], "volume: '5e6' has no period"),
        (["--site", "/nowhere.yaml"], "/nowhere.yaml cannot be read"),
    ],
)
def test_bad_input_is_refused_by_its_field(arguments: list[str], said: str) -> None:
    assert said in refused("impact", "1kWh", *arguments)
    assert "energy: '-1kWh' is below zero" in refused("impact", "--", "-1kWh")


def test_a_closed_model_is_an_estimate_and_says_so() -> None:
    text = wattmark("impact", "--api-model", "gpt-4o", "--output-tokens", "400")
    assert "Parametric: a model of a model, not a measurement; never rated." in text
    document = json.loads(
        wattmark("impact", "--api-model", "gpt-4o", "--output-tokens", "400", "--json")
    )
    assert (document["grade"], document["rated"]) == ("parametric", False)


def test_lifetime_sets_training_against_inference_and_draws_it(tmp_path: Path) -> None:
    training, plot = tmp_path / "training.yaml", tmp_path / "life.svg"
    training.write_text("hardware: {hours: 100, devices: 8, power_w: 500}\n")
    text = wattmark(
        *("lifetime", "--training", str(training), "--inference", "0.3Wh", "--old", "0.5Wh"),
        *("--volume", "1e4/day", "--years", "2", "--plot", str(plot)),
    )
    assert "400 kWh" in text  # training
    assert "2\u202f000\u202f000 query" in text  # 400 kWh over the 0.2 Wh that a query saves
    assert (
        "1\u202f333\u202f000 query" in text or "1\u202f333\u202f333 query" in text
    )  # 400 kWh over the 0.3 Wh of a query
    assert plot.read_text().startswith("<svg")


def test_lifetime_of_a_stored_run(tmp_path: Path) -> None:
    training = tmp_path / "training.yaml"
    training.write_text("measured: {energy_kwh: 2.5, grade: metered}\n")
    text = wattmark(
        "lifetime", "--training", str(training), "--inference", "latest", "--volume", "1e4/day"
    )
    assert "Training (training, metered)" in text and "Share of training" in text
    training.write_text("measured: {energy_kwh: 2.5}\n")
    assert "measured.grade" in refused(
        *("lifetime", "--training", str(training), "--inference", "1Wh", "--volume", "1/day")
    )
