"""The figures as rows: each line of impact once, a missing one with its reason."""

from __future__ import annotations

import csv
import io

import pytest
from subjects import EVERYTHING, LITTLE, WORN

from wattmark.exports import Subject, export

#: key -> value of a query, unit, grade
EXPECTED = {
    "energy_it": (0.2 / 3600, "Wh/query", "modelled"),
    "energy_facility": (0.2 / 3600 * 1.2, "Wh/query", "modelled"),
    "carbon_location": (0.2 / 3.6e6 * 1.2 * 50, "g/query", "modelled"),
    "carbon_embodied": (100e3 * WORN, "g/query", ""),
    "carbon_total": (0.2 / 3.6e6 * 1.2 * 50 + 100e3 * WORN, "g/query", "modelled"),
    "water_on_site": (0.2 / 3.6e6 * 0.1 * 1e3, "mL/query", "modelled"),
    "water_off_site": (0.2 / 3.6e6 * 1.2 * 2.0 * 1e3, "mL/query", "modelled"),
    "water_total": (0.2 / 3.6e6 * (0.1 + 1.2 * 2.0) * 1e3, "mL/query", "modelled"),
    "adpe_embodied": (0.001 * 1e6 * WORN, "mgSb/query", ""),
    "primary_embodied": (1000 * WORN, "MJ/query", ""),
    "cost_electricity": (0.2 / 3.6e6 * 1.2 * 0.2, "EUR/query", "modelled"),
}


def rows(of: Subject) -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in csv.DictReader(io.StringIO(export(of, "csv").text))}


def test_there_is_a_row_for_each_line_in_its_order_and_then_for_each_fact() -> None:
    facts = [fact.key for fact in EVERYTHING.facts()]
    assert list(rows(EVERYTHING)) == [line.key for line in EVERYTHING.impact.lines] + facts


def test_a_row_says_its_phase_its_boundary_and_of_what_it_is() -> None:
    found = rows(EVERYTHING)
    said = {key: (row["phase"], row["boundary"], row["scope"]) for key, row in found.items()}
    assert said["energy_it"] == ("inference", "IT", "a query")
    assert said["carbon_location"] == ("inference", "facility", "a query")
    assert said["carbon_embodied"] == ("inference", "devices", "a query")
    assert said["inference_facility"] == ("inference", "facility", "1000 measured queries")
    assert said["training_energy"] == ("training", "facility", "the whole training")
    assert found["training_carbon"]["place"] == "Sweden"


@pytest.mark.parametrize("key", EXPECTED)
def test_a_figure_has_its_value_its_unit_and_its_grade(key: str) -> None:
    row, (value, unit, grade) = rows(EVERYTHING)[key], EXPECTED[key]
    assert float(row["value"]) == pytest.approx(value, rel=1e-12)
    assert (row["unit"], row["grade"], row["reason"], row["detail"]) == (unit, grade, "", "")
    assert float(row["low"]) < float(row["value"]) < float(row["high"])


def test_a_row_says_what_it_is_of_and_how_it_was_computed() -> None:
    row = rows(EVERYTHING)["energy_facility"]
    assert {name: row[name] for name in ("run", "setup", "place", "title")} == {
        "run": "20260101-120000-quickstart",
        "setup": "pytorch/eager/fp32",
        "place": "France",
        "title": "Energy of the facility",
    }
    assert (row["formula"], row["sources"]) == ("E_IT x PUE", "given by the user")
    assert float(row["low"]) == pytest.approx(0.08 / 3600 * 1.2)
    assert float(row["high"]) == pytest.approx(0.5 / 3600 * 1.2)
    assert float(row["level"]) == 0.95


def test_a_missing_figure_is_empty_and_has_its_reason() -> None:
    row = rows(EVERYTHING)["carbon_market"]
    assert [row[name] for name in ("value", "low", "high", "level", "grade")] == [""] * 5
    assert row["reason"] == "not_given"
    assert row["detail"] == "give --market-carbon, or market_carbon in a site"


def test_what_is_missing_is_an_omission() -> None:
    assert export(EVERYTHING, "csv").omissions == (
        "CO2e of electricity, market-based: give --market-carbon, or market_carbon in a site",
        "Cost of the rented machine: give --instance-price",
    )
    missing = [row["title"] for row in rows(LITTLE).values() if not row["value"]]
    assert [text.partition(": ")[0] for text in export(LITTLE, "csv").omissions] == missing
    assert len(missing) == 13
