"""The three energies of each setup and domain stand beside each other."""

from __future__ import annotations

from synthetic_run import BASELINE, FAILED, make_result, make_run

from wattmark.quantities import Reason
from wattmark.records import Run
from wattmark.reports.markdown import render_markdown
from wattmark.reports.three_energies import three_energies


def test_every_measured_domain_has_a_row_with_three_figures(run: Run) -> None:
    table = three_energies(run)
    assert {row.trial for row in table.rows} == {r.id for r in run.results} - {FAILED}
    gross = table.cell(BASELINE, "gross").quantity
    subtracted = table.cell(BASELINE, "idle_subtracted").quantity
    assert gross is not None and subtracted is not None
    assert gross.value > subtracted.value > 0
    allocated = table.cell(BASELINE, "idle_allocated")
    assert allocated.missing and allocated.interval == f"({Reason.IDLE_NOT_MEASURED})"


def test_markdown_shows_them(run: Run) -> None:
    assert "| Setup | Domain | Instrument | Gross, J/query |" in render_markdown(run)


def test_without_a_meter_there_is_no_table() -> None:
    bare = make_run([make_result(BASELINE, 17.1, 1.0, 842).model_copy(update={"energy": ()})])
    assert three_energies(bare).rows == ()
    assert "three ways" not in render_markdown(bare)
