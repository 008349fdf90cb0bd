"""The setups of a run as points: what they cost, and why some are not among them."""

from __future__ import annotations

import pytest
from synthetic_run import BASELINE, make_result, make_run

from wattmark.errors import ImpactError, UnknownNameError
from wattmark.records import Run
from wattmark.records.reading import energy_among_setups, energy_per_query, median_latency
from wattmark.workflows.pareto_points import costs, points
from wattmark.workflows.placing import used_by

QUICK = "openvino/cpu/int8-static"
POOR = "onnxruntime/cpu/int8-dynamic"
UNMETERED = "jax/jit/fp32"


@pytest.fixture
def run() -> Run:
    return make_run(
        [
            make_result(BASELINE, 17.1, 1.0, 842),
            make_result(QUICK, 6.0, 0.36, 838),
            make_result(POOR, 6.3, 0.37, 500),
            make_result(UNMETERED, 12.7, 0.75, 842, energy=False),
        ]
    )


def test_energy_is_the_one_of_every_table(run: Run) -> None:
    assert costs(run, "energy") == {r.id: energy_per_query(r) for r in run.results}


def test_a_point_has_the_interval_that_matters_between_setups_beside_it(run: Run) -> None:
    for cost, factor in (("energy", 1.0), ("money", 1000 * 0.25 / 3.6e6)):
        figures = costs(run, cost, price="0.25EUR/kWh" if cost == "money" else None)
        placed, _ = points(run, figures, cost)
        for point in placed:
            among = energy_among_setups(run, run.result(point.name))
            assert point.among is not None and among is not None
            ends = [end * factor for end in among.bounds()]
            in_unit = point.among.to("J/query" if cost == "energy" else "EUR")
            assert in_unit.bounds() == pytest.approx(ends)
    rented, _ = points(run, costs(run, "money", instance_price="3.60USD/h"), "money")
    assert all(point.among is None and point.parts is None for point in rented)


def test_latency_is_the_median(run: Run) -> None:
    assert costs(run, "latency") == {r.id: median_latency(r) for r in run.results}


def test_money_is_that_of_a_thousand_queries(run: Run) -> None:
    energy = costs(run, "energy")[QUICK]
    found = costs(run, "money", price="0.25EUR/kWh")[QUICK]
    assert energy is not None and found is not None
    assert found.to("EUR").value == pytest.approx(0.25 * 1000 * energy.to("kWh/query").bounds()[1])
    rented = costs(run, "money", instance_price="3.60USD/h")[QUICK]
    assert rented is not None
    (use,) = used_by(run, QUICK)
    assert rented.to("USD").value == pytest.approx(1.0 * use.time.to("s/query").bounds()[1])


def test_a_price_that_cannot_be_read_is_refused(run: Run) -> None:
    with pytest.raises(ImpactError):
        costs(run, "money", price="cheap")


def test_who_is_no_point_is_told_why(run: Run) -> None:
    placed, left_out = points(run, costs(run, "energy"), "energy")
    assert [point.name for point in placed] == [BASELINE, QUICK]
    assert placed[0].quality.unit == "%"
    assert left_out == {POOR: "it misses the quality gate", UNMETERED: "no energy"}


def test_a_run_is_used_by_its_baseline_unless_another_setup_is_named(run: Run) -> None:
    assert [use.name for use in used_by(run, None)] == [BASELINE]
    assert [use.name for use in used_by(run, "all")] == [r.id for r in run.results]
    with pytest.raises(UnknownNameError, match="openvino"):
        used_by(run, "openvino/cpu/int8-statik")
    with pytest.raises(ImpactError, match="no setup that gave a result"):
        used_by(run.model_copy(update={"results": ()}), None)


def test_qualities_are_in_one_unit_where_an_error_rate_passes_one() -> None:
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842), make_result(QUICK, 6.0, 0.36, 990)])
    placed, _ = points(run, costs(run, "energy"), "energy")
    assert [point.quality.unit for point in placed] == ["1", "1"]
    assert [point.quality.value for point in placed] == [0.842, 0.99]
