"""A run from end to end with the fake plug-in: real processes, real store, real statistics."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_plans import plan

import wattmark
from wattmark.conduct.events import Event, Stage
from wattmark.errors import WattmarkError
from wattmark.records import Plan, Run, StopReason
from wattmark.store import RunStatus, Store

pytestmark = [pytest.mark.usefixtures("fake_plugin"), pytest.mark.slow]

Told = tuple[Run, list[Event]]
RunPlan = Callable[[Plan], Told]


@pytest.fixture(scope="module")
def compared(run_of_the_module: RunPlan) -> Told:
    """Two setups, the second of which does everything twice; two executions each."""
    asked = plan(["right", "double"], executions=2, meters=["modelled-cpu"])
    return run_of_the_module(asked)


@pytest.fixture(scope="module")
def stepped(run_of_the_module: RunPlan) -> Run:
    """The same setup with and without an option."""
    setups = ["fake/right/fp32", "fake/right/fp32/steps=3"]
    return run_of_the_module(plan(["right"], setups=setups, samples=40))[0]


FAILURES = {
    "unprepared": ("prepare", "value"),
    "wrong": ("load", "conversion"),
    "segfault": ("round", "segmentation_fault"),
    "killed": ("round", "killed"),
    "memory": ("round", "out_of_memory"),
}


@pytest.fixture(scope="module")
def failing(run_of_the_module: RunPlan) -> Run:
    """One setup that succeeds beside all that fail, a flaky one, and two that there are not."""
    setups = [f"fake/{mode}/fp32" for mode in ("right", *FAILURES, "flaky", "sideways")]
    return run_of_the_module(plan(["right"], setups=[*setups, "fake/right/bf16"]))[0]


def test_a_run_compares_setups_and_scores_the_queries_it_timed(compared: Told) -> None:
    done, events = compared

    baseline, double = done.results
    assert [r.status for r in done.results] == ["ok", "ok"]
    assert baseline.queries >= 200
    assert baseline.quality is not None and baseline.quality.value.value == pytest.approx(0.9)
    assert double.ratios is not None and double.ratios.latency.value is not None
    assert double.ratios.latency.value > 1.2
    assert done.result("fake/right/fp32").ratios.latency.value == 1.0  # type: ignore[union-attr]
    assert {e.stage for e in events} >= {Stage.PREPARE, Stage.LOAD, Stage.WARM_UP, Stage.MEASURE}


def test_every_setup_gets_the_executions_that_the_plan_asks_for(compared: Told) -> None:
    for result in compared[0].results:
        assert len({e.execution for e in result.executions}) == 2
        assert all(e.check.passed for e in result.executions)


def test_energy_is_modelled_here_and_flops_are_counted_from_the_model(compared: Told) -> None:
    result = compared[0].results[0]
    (energy,) = result.energy
    assert energy.per_query.grade is wattmark.Grade.MODELLED
    low, value, high = energy.per_query.bounds()
    assert 0 < low < value < high
    assert energy.per_1000_queries.value == pytest.approx(value * 1000 / 3600)
    assert result.flops_per_query is not None and result.flops_per_query.value == 2 * 16 * 3


def test_phases_are_measured_within_the_run_and_add_up_to_it(stepped: Run) -> None:
    result = stepped.results[1]
    first, rest = result.phases
    assert (first.phase, rest.phase) == ("first", "rest")
    assert (first.units_per_query.value, rest.units_per_query.value) == (1, 3)
    assert result.latency is not None and result.latency.mean.value is not None
    together = first.latency.mean.bounds()[1] + rest.latency.mean.bounds()[1]
    assert together == pytest.approx(result.latency.mean.value, rel=0.2)
    assert rest.energy[0].per_unit.known and rest.energy[0].per_unit.unit == "J/step"
    assert result.instruments_share is not None and 0 < result.instruments_share.value < 1


def test_options_change_the_flops_and_not_the_artefact(stepped: Run) -> None:
    once, four_times = stepped.results
    assert four_times.flops_per_query.value == 4 * once.flops_per_query.value  # type: ignore[union-attr]
    assert once.preparation.artefact == four_times.preparation.artefact  # type: ignore[union-attr]


def test_a_batch_is_asked_together_and_counted_query_by_query() -> None:
    setups = ["fake/right/fp32", "fake/right/fp32/b8"]
    done = wattmark.run(plan(["right"], setups=setups, samples=80, rounds=4))

    one, eight = done.results
    assert eight.quality == one.quality.model_copy(  # type: ignore[union-attr]
        update={"of_reference": eight.quality.of_reference}  # type: ignore[union-attr]
    )
    assert eight.queries % 8 == 0 and eight.queries >= 80
    assert eight.ratios.cpu_time.bounds()[2] < 0.6  # type: ignore[union-attr]


def test_an_option_that_the_model_lacks_fails_the_run_with_its_name() -> None:
    with pytest.raises(WattmarkError, match="no option colour"):
        wattmark.run(plan(["right"], setups=["fake/right/fp32/colour=red"]))
    with Store.open() as store:
        assert store.runs()[0].status is RunStatus.INTERRUPTED


def test_failing_trials_are_recorded_each_with_its_cause_and_the_others_go_on(
    failing: Run,
) -> None:
    good = failing.result("fake/right/fp32")
    assert good.status == "ok" and good.queries >= 200
    found = {mode: failing.result(f"fake/{mode}/fp32").failure for mode in FAILURES}
    assert {mode: f and (f.stage, f.reason) for mode, f in found.items()} == FAILURES
    assert "about to crash" in found["segfault"].last_output  # type: ignore[union-attr]


def test_a_failed_query_is_counted_and_still_costs_energy(failing: Run) -> None:
    flaky = failing.result("fake/flaky/fp32")
    assert flaky.status == "ok" and flaky.failed_queries > 0
    assert "failed_queries" in flaky.flags
    assert flaky.energy[0].per_query.known


@pytest.mark.parametrize(
    ("label", "said"), [("fake/right/bf16", "can do fp32"), ("fake/sideways/fp32", "sideways")]
)
def test_a_setup_that_the_framework_lacks_fails_alone(failing: Run, label, said) -> None:
    lacking = failing.result(label)
    assert lacking.status == "failed"
    assert said in lacking.failure.message  # type: ignore[union-attr]


def test_a_plan_with_a_small_budget_says_that_the_budget_ended_it() -> None:
    done = wattmark.run(plan(["right", "double"], budget_s=0.5, ratio_width=0.0001))

    assert done.stop_reason is StopReason.BUDGET
    assert done.results[0].rounds >= 1


def test_workers_that_do_not_fit_in_memory_come_for_their_turns_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wattmark.conduct.rounds.available_bytes", lambda: 1 << 20)

    done = wattmark.run(plan(["right", "double"], budget_s=5))

    for result in done.results:
        assert result.status == "ok" and result.rounds >= 3
        assert len(result.executions) == result.rounds
