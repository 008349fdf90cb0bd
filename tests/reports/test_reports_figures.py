from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_run import BASELINE, FAILED, make_result, make_run

from wattmark.records import Run
from wattmark.reports.figures import figures

Latencies = dict[str, NDArray[np.float64]]


def test_pareto_front_holds_what_nothing_beats_in_both(run: Run, latencies_ms: Latencies) -> None:
    points = figures(run, latencies_ms)["pareto"]["points"]
    front = {p["setup"] for p in points if p["front"]}
    assert front == {"onnxruntime/cpu/int8-dynamic", "openvino/cpu/fp32"}


def test_pareto_bars_leave_out_what_is_uncertain_for_all_alike(run: Run) -> None:
    points = {p["setup"]: p for p in figures(run, {})["pareto"]["points"]}
    jax = points["jax/jit/fp32"]
    assert (jax["x1"], jax["x"], jax["x2"]) == pytest.approx((0.15 / 1.1, 0.15, 0.15 * 1.1))
    assert jax["cost"] == "0.15 [0.06, 0.38] J/query"  # as in the table
    assert points[BASELINE]["x"] == pytest.approx(0.2) and points[BASELINE]["x2"] > 0.2


def test_both_energy_charts_have_a_row_per_result(run: Run) -> None:
    drawn = figures(run, {})
    for name in ("ratio", "absolute"):
        rows = {r["setup"]: r for r in drawn[name]["rows"]}
        assert set(rows) == {r.id for r in run.results} - {FAILED}
        assert all(r["low"] <= r["value"] <= r["high"] for r in rows.values())
    assert drawn["absolute"]["log"]


def test_density_peaks_where_the_latencies_are() -> None:
    samples = np.random.default_rng(1).lognormal(np.log(20), 0.05, 4000)
    drawn = figures(make_run([make_result(BASELINE, 20, 1.0, 842)]), {BASELINE: samples})
    row = drawn["distribution"]["rows"][0]
    peak = drawn["distribution"]["grid"][int(np.argmax(row["density"]))]
    assert peak == pytest.approx(20, rel=0.03)
    assert max(row["density"]) == 1
    assert row["queries"] == 4000


def test_constant_latency_has_a_density_too() -> None:
    run = make_run([make_result(BASELINE, 5, 1.0, 842)])
    row = figures(run, {BASELINE: np.full(50, 5.0)})["distribution"]["rows"][0]
    assert np.isfinite(row["density"]).all()


def test_axis_leaves_out_at_most_one_query_in_a_thousand_at_either_end(
    run: Run, latencies_ms: Latencies
) -> None:
    drawn = figures(run, latencies_ms)["distribution"]
    for row in drawn["rows"]:
        values = latencies_ms[row["setup"]]
        assert (values < drawn["grid"][0]).mean() <= 0.001
        assert (values > drawn["grid"][-1]).mean() <= 0.001


def test_without_energy_the_trade_is_quality_against_time() -> None:
    drawn = figures(make_run([make_result(BASELINE, 17.0, 1.0, 842, energy=False)]), {})
    assert not drawn["pareto"]["by_energy"]
    assert drawn["pareto"]["points"][0]["x"] == 17.0
    assert drawn["absolute"] is None
    assert drawn["distribution"] is None


def test_figures_are_plain_json(run: Run, latencies_ms: Latencies) -> None:
    drawn = figures(run, latencies_ms)
    assert json.loads(json.dumps(drawn, allow_nan=False)) == drawn


def test_qualities_are_drawn_in_one_unit_where_an_error_rate_passes_one() -> None:
    poor = make_result("jax/jit/fp32", 12.7, 0.75, 990)  # its interval ends above 1
    drawn = figures(make_run([make_result(BASELINE, 17.1, 1.0, 842), poor]), {})["pareto"]
    assert {p["setup"]: p["y"] for p in drawn["points"]} == {BASELINE: 0.842, poor.id: 0.99}
    assert "%" not in drawn["y_label"]
