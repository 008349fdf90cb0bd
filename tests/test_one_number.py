"""One quantity is one number: a run is rendered everywhere, and every place says the same.

One setup has rounds that were disturbed: its total is 0.28 J, and 1.42 times the baseline's, while
its ratio to the baseline by paired rounds is 1.05.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from synthetic_run import BASELINE, MEASURED, make_result, make_run
from typer.testing import CliRunner

from wattmark import registry
from wattmark.board.intake import submissions
from wattmark.board.shelf.database import Database
from wattmark.board.web.app import application
from wattmark.board.web.services import Services
from wattmark.cli.main import app
from wattmark.editions.edition import document, frozen, opened
from wattmark.editions.edition_files import entry_of, label_of
from wattmark.editions.label import render_badge, render_label
from wattmark.editions.rating_table import columns_of
from wattmark.exports import Subject
from wattmark.formatting import probability_text, quantity_text, range_text, value_text
from wattmark.impact import assess
from wattmark.impact.site import Site
from wattmark.quantities import Quantity
from wattmark.rating import rate_results
from wattmark.rating.columns import rate_columns
from wattmark.records import Rating, Result, Run, bundle_of
from wattmark.records.reading import energy_among_setups, energy_per_query, energy_ratio
from wattmark.reports.csv import render_csv
from wattmark.reports.figures import figures
from wattmark.reports.html import render_html
from wattmark.reports.impact_table import on_basis
from wattmark.reports.markdown import escape, render_markdown
from wattmark.reports.overview import render_overview
from wattmark.reports.rows import table
from wattmark.workflows import runs
from wattmark.workflows.placing import place, use_of
from wattmark.workflows.rating_runs import POPULATION, rated_rows

DISTURBED = "pytorch/compile/fp32"
TOTAL_J = 0.2839


@pytest.fixture(scope="module")
def run() -> Run:
    results = [_result(label) for label in MEASURED]
    return make_run(results, ratings=rate_results(results))


def _result(label: str) -> Result:
    latency_ms, times, right = MEASURED[label]
    if label != DISTURBED:
        return make_result(label, latency_ms, times, right)
    made = make_result(label, latency_ms, TOTAL_J / 0.2, right)
    by_rounds = Quantity.between(1.0531, 0.9, 1.2322, "1")
    assert made.ratios is not None
    ratios = made.ratios.model_copy(update={"energy": by_rounds})
    return made.model_copy(update={"energy_relative": by_rounds, "ratios": ratios})


@pytest.fixture(scope="module")
def energy(run: Run) -> Quantity:
    found = energy_per_query(run.result(DISTURBED))
    assert found is not None and found.value == pytest.approx(TOTAL_J)
    return found


def star(run: Run, setup: str = DISTURBED) -> Rating:
    return next(rating for rating in run.ratings if rating.trial == setup)


def sure(run: Run, setup: str = DISTURBED) -> float:
    its = star(run, setup)
    assert its.stars is not None
    return its.probabilities[its.stars]


# --- reports ---------------------------------------------------------------------------------


def test_every_report_shows_the_energy_of_the_table(run: Run, energy: Quantity) -> None:
    joules, thousand = quantity_text(energy.to("J/query")), energy.to("Wh/kquery")
    cell = table(run).cell(DISTURBED, "energy_per_query").text
    assert f"{cell} J/query" == joules
    markdown, html = render_markdown(run), render_html(run, {}, [])
    assert escape(cell) in markdown and f"{value_text(thousand)} " in markdown
    assert value_text(energy) in html and range_text(energy) in html
    assert joules in render_overview([run]).replace("\\", "")
    (row,) = [r for r in csv.DictReader(io.StringIO(render_csv(run))) if r["setup"] == DISTURBED]
    of_energy = {key: text for key, text in row.items() if key.startswith("energy_per_query")}
    assert any(float(text) == pytest.approx(TOTAL_J) for text in of_energy.values() if text)
    (its,) = [r for r in json.loads(run.model_dump_json())["results"] if _label(r) == DISTURBED]
    assert its["energy"][0]["per_query"]["value"] == pytest.approx(TOTAL_J)


def _label(result: dict[str, Any]) -> str:
    return Result.model_validate(result).id


def test_the_charts_of_a_report_have_the_energy_of_its_table(run: Run, energy: Quantity) -> None:
    drawn = figures(run, {})
    (point,) = [p for p in drawn["pareto"]["points"] if p["setup"] == DISTURBED]
    (absolute,) = [p for p in drawn["absolute"]["rows"] if p["setup"] == DISTURBED]
    (ratio,) = [p for p in drawn["ratio"]["rows"] if p["setup"] == DISTURBED]
    by_rounds = energy_ratio(run.result(DISTURBED))
    among = energy_among_setups(run, run.result(DISTURBED))
    assert by_rounds is not None and among is not None
    assert point["x"] == absolute["value"] == energy.value
    assert point["cost"] == quantity_text(energy)
    assert absolute["text"] == f"{value_text(energy)} {range_text(energy)}"
    assert (point["x1"], point["x2"]) == (among.low, among.high)
    assert "among setups of this machine" in drawn["pareto"]["x_label"]
    assert ratio["value"] == by_rounds.value
    assert ratio["text"] == table(run).cell(DISTURBED, "energy_ratio").text


def test_the_reader_is_told_that_a_ratio_is_not_the_quotient_of_two_totals(run: Run) -> None:
    for text in (render_markdown(run), render_html(run, {}, [])):
        assert "totals over all rounds" in text and "1.42 by totals, 1.05" in text
    quiet = [r for r in run.results if r.id != DISTURBED]
    undisturbed = make_run(quiet, ratings=rate_results(quiet))
    assert "by totals" not in render_html(undisturbed, {}, [])
    assert "totals over all rounds" in render_html(undisturbed, {}, [])  # which is which, always


# --- verbs ------------------------------------------------------------------------------------


@pytest.fixture
def said(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(runs, "load", lambda name: run)
    monkeypatch.setattr("wattmark.workflows.kinds.load", lambda name: run)

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "400"})
        assert done.exit_code == 0, done.output
        return done.output

    return said


def test_show_and_pareto_say_the_same(run: Run, energy: Quantity, said: Any) -> None:
    shown, front = said("show", "latest"), said("pareto")
    assert table(run).cell(DISTURBED, "energy_per_query").text in shown
    assert "1.42 by totals, 1.05" in shown
    line = next(line for line in front.splitlines() if line.startswith(DISTURBED))
    assert quantity_text(energy) in line
    among = energy_among_setups(run, run.result(DISTURBED))
    assert among is not None and quantity_text(among) in line


def test_a_drawn_front_has_the_energy_on_its_axis(
    energy: Quantity, said: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "wattmark.reports.charts.write_chart", lambda spec, path: drawn.append(spec)
    )
    said("pareto", "--plot", str(tmp_path / "front.svg"))
    (row,) = [r for r in drawn[0]["data"]["values"] if r["name"] == DISTURBED]
    assert row["x"] == energy.value and row["x1"] < row["x"] < row["x2"]


def test_impact_and_every_export_start_from_that_energy(run: Run, energy: Quantity) -> None:
    result, site = run.result(DISTURBED), Site(region="FR", pue=1.0)
    assert use_of(result).energy_it == energy
    impact = assess(use_of(result), place(site)[0])
    it = impact.line("energy_it").quantity
    assert it.to("J/query").bounds() == pytest.approx(energy.bounds())
    subject = Subject(run=run, result=result, impact=impact, site=site)
    kwh = energy.to("kWh/query").bounds()[1]
    same = {kwh * 10**n for n in range(-3, 7)} | {TOTAL_J * 10**n for n in range(-3, 7)}
    for name in registry.names("export"):
        text = registry.export(name).document(subject).text
        numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)]
        figures_of_it = [n for n in numbers if any(n == pytest.approx(s, rel=1e-4) for s in same)]
        assert figures_of_it or any(part in text for part in _texts_of(it)), name
        by_rounds = [n / TOTAL_J * 1.0531 * 0.2 for n in same]
        assert not [n for n in numbers if any(n == pytest.approx(s, rel=1e-4) for s in by_rounds)]


def _texts_of(quantity: Quantity) -> list[str]:
    """How it reads per query and per thousand, in the units that sheets choose from."""
    low, value, high = quantity.to("Wh/query").bounds()
    each = [Quantity.between(n * value, n * low, n * high, "Wh") for n in (1, 1000)]
    units = ("uWh", "mWh", "Wh", "J")
    return [f"{value_text(q.to(u))} {range_text(q.to(u))} {u}" for q in each for u in units]


# --- stars ------------------------------------------------------------------------------------


def test_a_star_is_as_sure_in_a_table_and_an_edition_as_in_the_report(run: Run) -> None:
    import pyarrow as pa

    rows = pa.Table.from_pylist(rated_rows([run]))
    rated = rate_columns(
        columns_of(rows, "energy_wh", POPULATION, gate="gate_passed", grade="grade"), "quintile"
    )
    edition = frozen(
        opened("2026-H1", "quintile", None).model_copy(
            update={"entries": tuple(entry_of(bundle_of(run), r) for r in run.results)}
        ),
        "2026-06-01",
    )
    assert document(edition)
    for at, result in enumerate(run.results):
        its, given = star(run, result.id), edition.stars[at]
        assert (its.stars or 0) == rated.stars[at] == (given.stars or 0)
        if its.stars is not None:
            assert rated.probability[at] == pytest.approx(sure(run, result.id), abs=1e-6)
            assert given.probability == pytest.approx(sure(run, result.id), abs=1e-6)


def test_the_label_has_the_energy_and_the_confidence_of_the_report(
    run: Run, energy: Quantity
) -> None:
    edition = frozen(
        opened("2026-H1", "quintile", None).model_copy(
            update={"entries": tuple(entry_of(bundle_of(run), r) for r in run.results)}
        ),
        "2026-06-01",
    )
    label = label_of(edition, run.id, DISTURBED)
    thousand = on_basis((energy.to("Wh/query") * Quantity.exact(1000.0, "query")).to("Wh"))
    assert label.energy == f"{value_text(thousand)} {thousand.unit}"
    assert label.interval == range_text(thousand)
    assert f"sure to {probability_text(sure(run))}" in render_label(label).replace("&gt;", ">")
    assert label.energy in render_badge(label)


# --- the board --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def board(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("board")
    with Database.open(f"sqlite:///{folder / 'board.db'}") as database:
        bundle = bundle_of(run)
        with database.writing() as connection:
            submissions.receive(connection, bundle, by="test")
            submissions.accept(connection, bundle.digest, by="test")
        yield TestClient(application(Services(database, "http://testserver")))


@pytest.fixture(scope="module")
def on_board(board: TestClient) -> dict[str, Any]:
    found = board.get("/api/v1/results").json()
    (result,) = [r for r in found["results"] if r["setup"] == DISTURBED]
    return dict(result)


def test_the_board_has_the_energy_and_the_star_of_the_report(
    run: Run, energy: Quantity, board: TestClient, on_board: dict[str, Any]
) -> None:
    its, wh = on_board["energy_per_query"], energy.to("Wh/query")
    assert (its["low"], its["value"], its["high"]) == pytest.approx(wh.bounds())
    (standing,) = on_board["standings"]
    assert standing["stars"] == star(run).stars
    assert standing["probability"] == pytest.approx(sure(run), abs=1e-6)
    thousand = (wh * Quantity.exact(1000.0, "query")).to("Wh")
    points = board.get("/tasks/text-classification/points.json").json()
    (point,) = [p for p in points["points"] if p["id"] == on_board["id"]]
    unit = points["x_label"].split(", ")[1].split(" (")[0]
    assert point["x"] == pytest.approx(thousand.to(unit).value)
    assert quantity_text(thousand.to(unit)) in point["text"]
    for path in ("/tasks/text-classification", f"/results/{on_board['id']}"):
        page = board.get(path).text
        assert value_text(thousand.to(unit)) in page and range_text(thousand.to(unit)) in page
        assert probability_text(sure(run)).replace(">", "&gt;") in page


def test_two_results_side_by_side_are_their_totals(
    run: Run, board: TestClient, on_board: dict[str, Any]
) -> None:
    found = board.get("/api/v1/results").json()["results"]
    (baseline,) = [r["id"] for r in found if r["setup"] == BASELINE]
    page = board.get("/compare", params={"r": [baseline, on_board["id"]]}).text
    assert re.search(r"1\.42 \[", page)
