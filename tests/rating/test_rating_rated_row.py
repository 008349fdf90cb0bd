"""The flat rated row: one list of fields, and every flat form of a result says the same."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel
from synthetic_run import BASELINE, make_result, make_run

from wattmark.board.intake.entries import rows_of
from wattmark.board.shelf import tables, tables_out
from wattmark.board.shelf.standings import entry_of_row
from wattmark.editions.edition_files import entry_of
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.rating.rated_row import EntryFields, RatedRow, column_name
from wattmark.records import Energy, Result, Run, bundle_of, hashed_document
from wattmark.records.base import LEFT_OUT_IF_NONE
from wattmark.records.reading import (
    comparable_per_query,
    energy_per_correct,
    energy_per_query,
)
from wattmark.workflows.rating_runs import POPULATION, rated_rows


def a_run(**changes: object) -> Run:
    return make_run([make_result(BASELINE, 17.1, 1.0, 842, **changes)])


def metered(cpu: Energy, domain: str, joules: float) -> Energy:
    """Energy of another domain, by a wall plug."""
    energy = Quantity.between(joules, 0.9 * joules, 1.1 * joules, "J/query", grade=Grade.METERED)
    update = {"meter": "plug", "domain": domain, "per_query": energy, "comparable": None}
    return cpu.model_copy(update=update)


def test_a_row_says_what_the_result_says() -> None:
    run = a_run()
    (result,) = run.results

    row = RatedRow.of(run, result)

    energy, own, p50 = energy_per_query(result), comparable_per_query(result), result.latency
    assert energy is not None and own is not None and p50 is not None
    assert (row.low_wh, row.energy_wh, row.high_wh) == energy.to("Wh/query").bounds()
    assert row.level == energy.level and row.grade == "modelled"
    bounds = own.energy.to("Wh/query").bounds()
    assert (row.comparable_low_wh, row.comparable_high_wh) == (bounds[0], bounds[2])
    assert row.scale.startswith("scale-")
    assert (row.latency_p50_ms_low, row.latency_p50_ms, row.latency_p50_ms_high) == p50.p50.bounds()
    assert row.quality_value == 0.842 and row.quality.startswith("accuracy 84.2")
    assert row.hardware == run.environment.hardware == run.environment.cpu_model
    assert row.energy_missing is None
    correct = energy_per_correct(result)
    assert correct is not None
    assert row.energy_per_correct_wh == correct.to("Wh/correct").value


def test_a_row_without_energy_says_why() -> None:
    run = a_run(energy=False)
    row = RatedRow.of(run, run.results[0])
    assert row.energy_wh is row.low_wh is row.high_wh is row.level is None
    assert (row.grade, row.energy_missing, row.scale) == ("unknown", Reason.NO_METER.value, "")
    nothing = run.results[0].model_copy(update={"energy": ()})
    assert RatedRow.of(run, nothing).energy_missing == "no_meter"


def test_accelerators_are_the_hardware_where_there_are_any() -> None:
    run = a_run()
    environment = run.environment.model_copy(update={"gpus": ("H200", "H200")})
    assert environment.hardware == "H200, H200"
    there = run.model_copy(update={"environment": environment})
    assert RatedRow.of(there, run.results[0]).hardware == "H200, H200"


@pytest.mark.parametrize("energy", [True, False])
def test_an_entry_is_the_same_from_the_run_and_from_the_board(energy: bool) -> None:
    run = a_run(energy=energy)
    bundle = bundle_of(run)
    (row,) = rows_of(bundle)
    assert entry_of_row(row) == entry_of(bundle, run.results[0])


def test_every_field_has_a_column_on_the_board_and_a_name_of_its_own() -> None:
    fields = list(RatedRow.model_fields)
    assert {tables.name_of(field) for field in fields} <= set(tables.results.c.keys())
    assert len({column_name(field) for field in fields}) == len(fields)


def test_stored_runs_and_the_board_name_what_is_rated_alike() -> None:
    (row,) = rated_rows([a_run()])
    assert set(row) <= set(tables_out.COLUMNS)
    assert set(POPULATION) <= set(row)
    assert {column_name(field) for field in EntryFields.model_fields} - set(row) == {"quality_text"}


def test_where_the_node_was_metered_it_is_the_sum_and_has_its_grade() -> None:
    run = a_run()
    (result,) = run.results
    (cpu,) = result.energy
    node = metered(cpu, "node", 1.0)
    gpu = metered(cpu, "gpu:0", 0.5)

    def energy(*parts: Energy) -> Quantity:
        its = energy_per_query(result.model_copy(update={"energy": parts}))
        assert its is not None
        return its

    assert energy(cpu, node).value == 1.0 and energy(cpu, node).grade is Grade.METERED
    both = energy(cpu, gpu)
    assert both.value == pytest.approx(energy(cpu).bounds()[1] + 0.5)
    assert both.grade is Grade.MODELLED  # the less trusted one


class Inner(BaseModel):
    old: int | None = None
    new: Annotated[int | None, LEFT_OUT_IF_NONE] = None


class Outer(BaseModel):
    several: tuple[Inner, ...]
    one: Inner
    new: Annotated[int | None, LEFT_OUT_IF_NONE] = None


def test_only_newer_fields_are_left_out_of_documents_where_they_are_none() -> None:
    outer = Outer(several=(Inner(), Inner(new=1)), one=Inner(old=2))
    assert hashed_document(outer) == {
        "several": [{"old": None}, {"old": None, "new": 1}],
        "one": {"old": 2},
    }


def test_a_result_of_before_keeps_its_document() -> None:
    (result,) = a_run().results
    (energy,) = result.energy
    before = result.model_copy(update={"energy": (energy.model_copy(update={"comparable": None}),)})
    document = hashed_document(before)
    assert "comparable" not in document["energy"][0]
    assert Result.model_validate(document) == before
