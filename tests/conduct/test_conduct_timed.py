"""Runs of the fake plug-in whose figures hang together with the clock."""

from __future__ import annotations

import pytest
from fake_plans import plan

import wattmark
from wattmark.conduct.events import Event, Stage
from wattmark.records import StopReason
from wattmark.store import Store

# alone: what is read a moment late is another figure
pytestmark = [pytest.mark.usefixtures("fake_plugin"), pytest.mark.slow, pytest.mark.alone]


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
