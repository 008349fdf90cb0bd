"""A run from end to end with the fake plug-in: real processes, real store, real statistics."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import wattmark
from wattmark.conduct.events import Event, Stage
from wattmark.errors import WattmarkError
from wattmark.records import Plan, StopReason
from wattmark.store import RunStatus, Store
from wattmark.workflows import runs

# alone: they stop processes in mid-run, and time limits are theirs
pytestmark = [pytest.mark.usefixtures("fake_plugin"), pytest.mark.slow, pytest.mark.alone]


def plan(modes: Sequence[str], **changes: object) -> Plan:
    """A plan over modes of the fake framework; the first is the baseline."""
    settings = {
        "name": "fake",
        "task": "fake-task",
        "model": "fake-model",
        "setups": [f"fake/{mode}/fp32" for mode in modes],
        "samples": 200,
        "rounds": 4,
        "ratio_width": 0.9,
        "budget_s": 30,
        "hang_timeout_s": 90,
    }
    return Plan.model_validate(settings | changes)


def test_a_run_compares_setups_and_scores_the_queries_it_timed() -> None:
    events: list[Event] = []
    done = wattmark.run(plan(["right", "double"]), observe=events.append)

    baseline, double = done.results
    assert [r.status for r in done.results] == ["ok", "ok"]
    assert baseline.queries >= 200
    assert baseline.quality is not None and baseline.quality.value.value == pytest.approx(0.9)
    assert double.ratios is not None and double.ratios.latency.value is not None
    assert double.ratios.latency.value > 1.2
    assert done.result("fake/right/fp32").ratios.latency.value == 1.0  # type: ignore[union-attr]
    assert {e.stage for e in events} >= {Stage.PREPARE, Stage.LOAD, Stage.WARM_UP, Stage.MEASURE}


def test_every_setup_gets_the_executions_that_the_plan_asks_for() -> None:
    done = wattmark.run(plan(["right", "double"], executions=2))

    for result in done.results:
        assert len({e.execution for e in result.executions}) == 2
        assert all(e.check.passed for e in result.executions)


def test_energy_is_modelled_here_and_flops_are_counted_from_the_model() -> None:
    done = wattmark.run(plan(["right"], meters=["modelled-cpu"]))

    (result,) = done.results
    (energy,) = result.energy
    assert energy.per_query.grade is wattmark.Grade.MODELLED
    low, value, high = energy.per_query.bounds()
    assert 0 < low < value < high
    assert energy.per_1000_queries.value == pytest.approx(value * 1000 / 3600)
    assert result.flops_per_query is not None and result.flops_per_query.value == 2 * 16 * 3


def test_phases_are_measured_within_the_run_and_add_up_to_it() -> None:
    done = wattmark.run(plan(["right"], setups=["fake/right/fp32/steps=3"], samples=40))

    (result,) = done.results
    first, rest = result.phases
    assert (first.phase, rest.phase) == ("first", "rest")
    assert (first.units_per_query.value, rest.units_per_query.value) == (1, 3)
    assert result.latency is not None and result.latency.mean.value is not None
    together = first.latency.mean.bounds()[1] + rest.latency.mean.bounds()[1]
    assert together == pytest.approx(result.latency.mean.value, rel=0.2)
    assert rest.energy[0].per_unit.known and rest.energy[0].per_unit.unit == "J/step"
    assert result.instruments_share is not None and 0 < result.instruments_share.value < 1


def test_options_change_the_flops_and_not_the_artefact() -> None:
    setups = ["fake/right/fp32", "fake/right/fp32/steps=3"]
    done = wattmark.run(plan(["right"], setups=setups, samples=40))

    once, four_times = done.results
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


FAILURES = {
    "unprepared": ("prepare", "value"),
    "wrong": ("load", "conversion"),
    "segfault": ("round", "segmentation_fault"),
    "killed": ("round", "killed"),
    "memory": ("round", "out_of_memory"),
}


def test_failing_trials_are_recorded_each_with_its_cause_and_the_others_go_on() -> None:
    done = wattmark.run(plan(["right", *FAILURES]))

    good, *bad = done.results
    assert good.status == "ok" and good.queries >= 200
    found = {r.trial.setup.mode: r.failure and (r.failure.stage, r.failure.reason) for r in bad}
    assert found == FAILURES
    segfault = done.result("fake/segfault/fp32").failure
    assert segfault is not None and "about to crash" in segfault.last_output


def test_a_worker_that_hangs_is_stopped() -> None:
    done = wattmark.run(plan(["right", "hang"], hang_timeout_s=8))

    assert done.results[0].status == "ok"
    assert done.results[1].failure is not None
    assert done.results[1].failure.reason == "hang"


def test_a_failed_query_is_counted_and_still_costs_energy() -> None:
    done = wattmark.run(plan(["right", "flaky"]))

    flaky = done.result("fake/flaky/fp32")
    assert flaky.status == "ok" and flaky.failed_queries > 0
    assert "failed_queries" in flaky.flags
    assert flaky.energy[0].per_query.known


def test_a_setup_that_the_framework_lacks_fails_alone() -> None:
    done = wattmark.run(
        plan(["right"], setups=["fake/right/fp32", "fake/right/bf16", "fake/sideways/fp32"])
    )

    assert [r.status for r in done.results] == ["ok", "failed", "failed"]
    assert "can do fp32" in done.results[1].failure.message  # type: ignore[union-attr]


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


SCRIPT = """
import sys, wattmark
plan = dict(name="fake", task="fake-task", model="fake-model", samples=3000, rounds=90,
            setups=["fake/right/fp32", "fake/double/fp32"], executions=2,
            budget_s=60, ratio_width=0.9)
run = wattmark.run(plan)
print(run.id, run.stop_reason)
"""


def _wait_for_rounds(count: int) -> str:
    """Wait until the store of the run that goes on in another process has some rounds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with Store.open() as store:
            stored = store.runs()
            if stored and len(store.progress(stored[0].id).rounds) >= count:
                return stored[0].id
        time.sleep(0.02)
    raise AssertionError("the run did not get going")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_stopped_run_keeps_what_it_measured_and_can_be_finished(
    how: signal.Signals, tmp_path: Path
) -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], env=os.environ)
    run_id = _wait_for_rounds(7)
    process.send_signal(how)
    process.wait()
    with Store.open() as store:
        before = store.progress(run_id).rounds

    done = runs.resume(run_id)

    assert len(before) >= 7
    assert done.stop_reason in (StopReason.NARROW, StopReason.BUDGET)
    assert all(r.queries >= 3000 for r in done.results)
    with Store.open() as store:
        after = store.progress(run_id).rounds
    assert after[: len(before)] == before


def test_workers_die_with_their_conductor() -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], env=os.environ)
    _wait_for_rounds(3)
    children = _descendants(process.pid)
    process.kill()
    process.wait()

    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def test_power_at_idle_is_measured_around_the_rounds_and_taken_off() -> None:
    events: list[Event] = []
    done = wattmark.run(plan(["right"], meters=("fake-counter",)), observe=events.append)

    assert Stage.IDLE in {e.stage for e in events}
    (energy,) = done.results[0].energy
    assert done.results[0].flags.count("aliasing") == 1  # as all of the meter's windows
    with Store.open() as store:
        recorded = store.progress(done.id)
    assert len(recorded.idle) >= 2
    for record in recorded.idle:
        assert record.of("fake-counter", "cpu").value == pytest.approx(40.0, rel=0.1)
    gross, without = energy.per_query.value, energy.idle_subtracted_per_query.value
    assert gross is not None and without is not None
    rounds = [r for r in recorded.rounds if not r.superseded]
    idle_j = 40.0 * sum(r.wall_s for r in rounds) / sum(r.queries for r in rounds)
    assert gross - without == pytest.approx(idle_j, rel=0.15)
    # all cores are the work's: its share of the idle energy is the whole
    assert energy.idle_allocated_per_query.value == pytest.approx(gross, rel=0.01)


def test_loadgen_drives_a_comparison_and_says_its_verdict() -> None:
    short = {"min_duration_s": 0.2, "min_queries": 64, "target_qps": 100, "target_latency_ms": 900}
    compared = plan(["right", "double"], samples=40, rounds=3, scenario="server", mlperf=short)

    done = wattmark.run(compared)

    assert done.stop_reason is StopReason.ALL_TESTS
    right, double = done.results
    for result in (right, double):
        assert [test.scenario for test in result.loadgen] == ["server"] * 3
        assert result.queries == sum(test.samples for test in result.loadgen) >= 3 * 64
        assert "not_mlperf_compliant" in result.flags
        assert result.latency_bound is not None
        assert 0 < result.latency_bound.goodput.value <= result.throughput.value  # type: ignore[operator,union-attr]
    assert right.quality is not None and right.quality.value.known
    assert double.ratios is not None and double.ratios.latency.known
    with Store.open() as store:
        folder = store.folder(done.id)
    logs = [folder / log.path for test in right.loadgen for log in test.logs]
    assert len(logs) >= 6 and all(log.is_file() for log in logs)
