from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.contracts import Channel, CpuModel, Sensor, TraceUnit
from wattmark.errors import MeterError
from wattmark.metrology.trace_file import Series, Trace
from wattmark.metrology.trace_windows import as_sampled, cut, energy, windows_of
from wattmark.quantities import Grade, Quantity, Reason

S = 10**9
JOULES = Channel(
    meter="plug", key="node", domain="node", unit=TraceUnit.JOULES, grade=Grade.METERED
)


def recorded(values: list[float], channel: Channel = JOULES, step_s: float = 1.0) -> Trace:
    """One channel, a sample every ``step_s``."""
    times = [round(i * step_s * S) for i in range(len(values))]
    return Trace(step_s, (Series(channel, times, list(values)),))


def gross(trace: Trace, start_s: float, end_s: float) -> Quantity:
    (window,) = energy(trace, round(start_s * S), round(end_s * S))
    return window.gross


def test_a_counters_window_is_the_difference_of_its_ends():
    (window,) = energy(recorded([100, 110, 130, 160]), 0, 3 * S)
    assert window.gross.bounds() == (60, 60, 60)
    assert (window.meter, window.domain, window.gross.grade) == ("plug", "node", Grade.METERED)
    assert (window.before.values, window.after.values) == ({"node": 100}, {"node": 160})
    assert window.idle_subtracted.reason is Reason.IDLE_NOT_MEASURED


@settings(derandomize=True)
@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=60), st.integers(1, 20))
def test_windows_that_touch_lose_nothing_and_count_nothing_twice(steps, length):
    values = [0.0]
    for step in steps:
        values.append(values[-1] + step)
    trace = recorded(values)
    parts = [gross(trace, a / S, b / S).value for a, b in cut(0, len(steps) * S, length * S)]
    assert sum(parts) == sum(steps)


def test_the_interval_comes_from_the_recorded_instrument():
    channel = JOULES.model_copy(
        update={"update_period_s": 0.1, "gain_low": 0.9, "gain_high": 1.1, "quantum_j": 1.0}
    )
    found = gross(recorded([0, 50, 100], channel), 0, 2)
    # edges of 2 x 50 W x 0.1 s = 10 J, a step of 1 J
    assert found.bounds() == pytest.approx((90 / 1.1 - 1 / 1.1, 100, 110 / 0.9 + 1 / 0.9))


def test_a_recorded_counter_of_a_part_time_sensor_keeps_its_flag():
    (window,) = energy(recorded([0, 50, 100], JOULES.model_copy(update={"part_time": True})), 0, S)
    assert window.flags == (Reason.ALIASING,)
    (window,) = energy(recorded([0, 50, 100]), 0, S)
    assert window.flags == ()


def test_a_counter_that_wrapped_many_times_loses_nothing():
    channel = JOULES.model_copy(update={"span_j": 100.0, "max_power_w": 40.0})
    values = [(30.0 * i) % 100 for i in range(50)]
    assert gross(recorded(values, channel), 0, 49).value == pytest.approx(30 * 49)


def test_a_counter_that_may_have_wrapped_unseen_is_refused():
    channel = JOULES.model_copy(update={"span_j": 100.0, "max_power_w": 60.0})
    assert gross(recorded([0, 30, 60], channel), 0, 2).reason is Reason.COUNTER_WRAPPED


def test_parts_of_a_domain_are_added_up():
    parts = [JOULES.model_copy(update={"key": f"cpu:{i}", "domain": "cpu"}) for i in range(2)]
    trace = Trace(1.0, tuple(Series(p, [0, S, 2 * S], [0.0, 5.0, 10.0]) for p in parts))
    (window,) = energy(trace, 0, 2 * S)
    assert window.gross.value == 20.0
    assert window.after.values == {"cpu:0": 10.0, "cpu:1": 10.0}


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ([0, 10, math.nan, 30, 40, 50, 60], Reason.READ_FAILED),
        ([0, 10, 3, 13, 23, 33, 43], Reason.COUNTER_RESET),
    ],
)
def test_a_fault_costs_the_window_that_holds_it_and_no_other(spoiled, reason):
    trace = recorded(spoiled)
    assert gross(trace, 0, 3).reason is reason
    assert gross(trace, 3, 6).value == 30


@pytest.mark.parametrize("spike_j", [22e6, 60_000.0, -1.0, math.inf])
def test_a_value_that_the_counter_cannot_show_costs_the_windows_that_hold_it(spike_j):
    channel = JOULES.model_copy(update={"span_j": 65_532.61, "max_power_w": 200.0})
    trace = recorded([100, 140, 180, spike_j, 260, 300, 340], channel)
    assert gross(trace, 0, 2).value == 80
    for held in ((1, 3), (2, 4), (3, 5)):
        said = gross(trace, *held)
        assert said.reason is Reason.READ_FAILED and "3000000000 ns" in said.detail
    assert gross(trace, 4, 6).value == 80


def test_a_reading_beyond_the_limit_in_the_header_costs_the_windows_that_hold_it():
    channel = watts(Sensor(0.1, 0.025, duty=0.25, gain_high=1.4, max_power_w=450.0))
    values = [60.0] * 100
    clean = gross(recorded(values, channel, 0.1), 7, 9)
    values[50] = 3.69e12
    trace = recorded(values, channel, 0.1)
    said = gross(trace, 4, 6)
    assert said.reason is Reason.READ_FAILED
    assert "3.69e+12 W, and its limit is 450 W" in said.detail
    assert gross(trace, 7, 9) == clean  # nor does it widen what others may have missed
    values[50] = 2 * 1.4 * 450.0  # twice the limit, by the sensor that reads highest
    assert gross(recorded(values, channel, 0.1), 4, 6).known


def test_a_card_that_always_shows_0_w_has_no_figure():
    said = gross(recorded([0.0] * 50, watts(Sensor(0.1, 0.1)), 0.1), 1, 4)
    assert said.reason is Reason.READ_FAILED and "0 W shown all the time" in said.detail
    rests = gross(recorded([0.0, 1.0] * 25, watts(Sensor(0.1, 0.1)), 0.1), 1, 4)
    assert rests.known


def test_dies_that_mirror_one_counter_count_once_in_a_recording_too():
    update = {"domain": "cpu", "update_period_s": 0.001, "max_power_w": 200.0, "package": "0"}
    dies = [JOULES.model_copy(update={**update, "key": f"cpu:{i}"}) for i in range(2)]
    times = [0, S, 2 * S]
    mirrored = (Series(dies[0], times, [5.0, 73.0, 141.0]), Series(dies[1], times, [5, 73.1, 141]))
    assert gross(Trace(1.0, mirrored), 0, 2).value == 136.0
    apart = (mirrored[0], Series(dies[1], times, [5.0, 73.0, 142.0]))
    assert gross(Trace(1.0, apart), 0, 2).value == 273.0


def test_a_clock_that_jumps_by_years_makes_one_gap_and_not_a_window_a_second():
    far = 10**18
    times = [0, S, 2 * S, 3 * S, far, far + S, far + 2 * S]
    trace = Trace(1.0, (Series(JOULES, times, [10.0 * i for i in range(7)]),))
    edges = list(windows_of(trace, 0, times[-1], S))
    assert len(edges) < 10
    assert all(a[1] == b[0] for a, b in pairwise(edges)) and edges[-1][1] == times[-1]
    said = [gross(trace, a / S, b / S) for a, b in edges]
    assert [q.value for q in said[:3]] == [10.0, 10.0, 10.0]
    assert said[3].reason is Reason.TRACE_GAP


@settings(derandomize=True)
@given(st.integers(1, 30), st.integers(1, 12))
def test_without_a_jump_windows_are_those_of_the_cut(seconds, length):
    trace = recorded([10.0 * i for i in range(seconds + 1)])
    cuts = list(cut(0, seconds * S, length * S, S))
    assert list(windows_of(trace, 0, seconds * S, length * S)) == cuts


def test_a_gap_costs_the_window_that_holds_it_and_no_other():
    times = [0, 1, 2, 3, 20, 21, 22]
    trace = Trace(1.0, (Series(JOULES, [t * S for t in times], [10.0 * t for t in times]),))
    assert gross(trace, 0, 3).value == 30
    assert gross(trace, 2, 21).reason is Reason.TRACE_GAP
    assert gross(trace, 10, 21).reason is Reason.TRACE_GAP
    assert gross(trace, 20, 22).value == 20


def test_outside_of_the_recording_there_is_nothing():
    trace = recorded([0, 10, 20])
    assert gross(trace, 50, 60).reason is Reason.TRACE_GAP
    assert gross(trace, 0, 60).reason is Reason.TRACE_GAP


def test_cpu_seconds_become_joules_by_the_model_in_the_trace():
    model = CpuModel(
        busy_w=Quantity.between(10.0, 5.0, 20.0, "W", grade=Grade.MODELLED),
        idle_share=Quantity.exact(0.0, "1"),
        program_spread=0.1,
        cores=2,
    )
    channel = Channel(
        meter="modelled-cpu",
        key="cpu_s",
        domain="cpu",
        unit=TraceUnit.CPU_SECONDS,
        grade=Grade.MODELLED,
        model=model,
    )
    (window,) = energy(recorded([0.0, 0.5, 1.5], channel), 0, 2 * S)
    assert window.gross.bounds() == pytest.approx((7.5, 15.0, 30.0))
    assert window.idle_subtracted.value == pytest.approx(15.0)


def watts(sensor: Sensor) -> Channel:
    return Channel(
        meter="card",
        key="gpu:0",
        domain="gpu:0",
        unit=TraceUnit.WATTS,
        grade=Grade.COUNTED,
        update_period_s=sensor.update_period_s,
        sensor=sensor,
    )


def test_constant_power_is_power_times_time():
    trace = recorded([50.0] * 100, watts(Sensor(0.1, 0.1)), step_s=0.1)
    (window,) = energy(trace, S, 6 * S)
    assert window.gross.bounds() == pytest.approx((250.0, 250.0, 250.0))
    assert window.flags == ()
    assert window.power[0] == (S, 50.0)


def test_a_part_time_sensor_is_flagged():
    trace = recorded([50.0, 70.0] * 50, watts(Sensor(0.1, 0.025, duty=0.25)), step_s=0.1)
    (window,) = energy(trace, S, 6 * S)
    assert window.flags == (Reason.ALIASING,)


def test_a_recording_slower_than_the_sensor_is_a_part_time_sensor():
    fast = Sensor(0.1, 0.1)
    assert as_sampled(fast, 0.05) == fast
    slow = as_sampled(fast, 1.0)
    assert (slow.update_period_s, slow.duty) == (1.0, pytest.approx(0.1))


def test_the_last_window_may_be_shorter_but_not_than_a_sample():
    assert list(cut(0, 25, 10, 1)) == [(0, 10), (10, 20), (20, 25)]
    assert list(cut(0, 21, 10, 2)) == [(0, 10), (10, 21)]
    with pytest.raises(MeterError, match="longer than 0 s"):
        list(cut(0, 25, 0))
