"""The table model, and its Markdown, CSV and JSON forms."""

from __future__ import annotations

import csv
import io

import pytest
from synthetic_run import BASELINE, FAILED, MEASURED, make_failed, make_result, make_run

from wattmark.quantities import Grade, Quantity
from wattmark.records import Result, Run
from wattmark.reports.csv import render_csv
from wattmark.reports.json import render_json
from wattmark.reports.markdown import render_markdown
from wattmark.reports.rows import table


def test_rows_run_from_least_to_most_energy_and_end_with_failures(run: Run) -> None:
    order = [row.trial for row in table(run).rows]
    assert order == [*sorted(MEASURED, key=lambda s: MEASURED[s][1]), FAILED]


def test_cells_hold_figure_interval_and_grade(run: Run) -> None:
    cells = table(run)
    assert cells.cell(BASELINE, "quality").text == "84.2 [81.8, 86.4]"
    assert cells.cell(BASELINE, "energy_per_query").text == "0.20 [0.08, 0.50]"
    assert cells.cell(BASELINE, "energy_grade").text == "modelled"
    assert cells.cell(BASELINE, "energy_meters").text == "modelled-cpu"
    assert cells.cell("jax/jit/fp32", "energy_ratio").text == "0.750 [0.728, 0.772]"
    assert cells.cell("onnxruntime/cpu/int8-dynamic", "stars_quintile").text == "5★ 87 %"


def test_units_stand_in_the_columns(run: Run) -> None:
    titles = [column.title for column in table(run).columns]
    assert "Latency p99, ms" in titles
    assert "Energy per 1 000 queries, Wh" in titles


def test_watt_hours_per_1000_queries_follow_from_joules_per_query(run: Run) -> None:
    cells = table(run)
    joules = cells.cell(BASELINE, "energy_per_query").quantity
    watt_hours = cells.cell(BASELINE, "energy_per_1000_queries").quantity
    assert joules is not None and watt_hours is not None
    assert watt_hours.bounds() == pytest.approx([x / 3.6 for x in joules.bounds()])


def test_missing_energy_is_a_dash_with_its_reason() -> None:
    without = make_run([make_result(BASELINE, 17.0, 1.0, 842, energy=False)])
    assert table(without).cell(BASELINE, "energy_per_query").text == "— (no_meter)"
    assert table(without).cell(BASELINE, "energy_grade").text == "— (no_meter)"


def test_energy_is_the_sum_over_domains() -> None:
    result = make_result(BASELINE, 17.0, 1.0, 842)
    entry = result.energy[0]
    gpu = Quantity.between(1.0, 0.9, 1.1, "J/query", grade=Grade.COUNTED)
    both = result.model_copy(
        update={"energy": (entry, entry.model_copy(update={"domain": "gpu:0", "per_query": gpu}))}
    )
    cell = table(make_run([both])).cell(BASELINE, "energy_per_query")
    assert cell.quantity is not None
    assert cell.quantity.bounds() == pytest.approx((0.98, 1.2, 1.6))
    assert cell.quantity.grade is Grade.MODELLED


def test_failed_baseline_leaves_no_ratio() -> None:
    other = make_result("jax/jit/fp32", 12.0, 0.7, 842, ratios=None, energy_relative=None)
    cells = table(make_run([make_failed(BASELINE), other]))
    assert cells.cell("jax/jit/fp32", "latency_ratio").text == "— (no_baseline)"
    assert cells.cell(BASELINE, "latency_p50").text == "— (trial_failed)"
    assert cells.rows[-1].failure == "failed in warm-up: killed"


def test_without_drops_one_column(run: Run) -> None:
    full = table(run)
    less = full.without("energy_grade")
    assert len(less.columns) == len(full.columns) - 1
    assert less.cell(BASELINE, "latency_ratio") == full.cell(BASELINE, "latency_ratio")


def test_csv_keeps_full_precision_and_reasons(run: Run) -> None:
    rows = {row["setup"]: row for row in csv.DictReader(io.StringIO(render_csv(run)))}
    assert len(rows) == len(run.results)
    latency = run.result(BASELINE).latency
    assert latency is not None
    assert float(rows[BASELINE]["latency_p50_ms"]) == latency.p50.value
    assert float(rows[BASELINE]["latency_p50_ms_high"]) == latency.p50.high
    assert rows[FAILED]["latency_p50_ms"] == ""
    assert rows[FAILED]["latency_p50_ms_missing"] == "trial_failed"
    assert rows[BASELINE]["baseline"] == "true"


def test_csv_cells_are_not_formulas() -> None:
    hostile = make_result("=cmd()/x/fp32", 1.0, 1.0, 842)
    first = next(csv.DictReader(io.StringIO(render_csv(make_run([hostile])))))
    assert first["setup"] == "'=cmd()/x/fp32"


def test_json_reads_back_unchanged(run: Run) -> None:
    assert Run.model_validate_json(render_json(run)) == run


def test_markdown_has_conclusions_table_and_failures(run: Run) -> None:
    text = render_markdown(run)
    results = text[: text.index("## Energy, three ways")]
    lines = [line for line in results.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(run.results)
    assert len({line.count(" | ") for line in lines}) == 1
    assert "1. Of the 8 setups" in text
    assert "- tensorflow/xla/fp32, warm-up: worker died of SIGSEGV" in text


def test_markdown_escapes_what_users_chose() -> None:
    hostile: Result = make_result("a|b/<img src=x>/fp32", 1.0, 1.0, 842)
    text = render_markdown(make_run([hostile]))
    assert "<img" not in text
    assert "a\\|b/&lt;img src=x&gt;" in text
