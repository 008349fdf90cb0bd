"""What a sensor's readings say of a window: corrections, intervals, refusals, flags."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.contracts import Sensor
from wattmark.errors import MeterError
from wattmark.metrology import simulation
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.sensor_classes import (
    CLASSES,
    PUBLISHED_LINES,
    gain_of_an_unknown_card,
    uncalibrated,
)
from wattmark.metrology.windows import sensed_energy
from wattmark.quantities import Reason

FULL_TIME = Sensor(0.1, 0.1)


def constant(power_w: float, length_s: float = 10.0, every_s: float = 0.05) -> PowerTrace:
    times_s = np.arange(0.0, length_s, every_s)
    return PowerTrace.of(times_s, np.full(times_s.size, power_w))


def test_a_constant_load_is_known_exactly() -> None:
    said = sensed_energy(constant(200.0), 1.0, 4.0, FULL_TIME)
    assert said.gross.bounds() == pytest.approx((600.0, 600.0, 600.0))
    assert said.flags == ()


def test_a_window_of_less_than_ten_updates_is_refused() -> None:
    said = sensed_energy(constant(200.0), 1.0, 1.9, FULL_TIME)
    assert said.gross.reason is Reason.WINDOW_TOO_SHORT
    assert "1 s or more" in said.gross.detail


def test_a_sensor_that_stopped_before_the_end_was_lost() -> None:
    said = sensed_energy(constant(200.0, length_s=3.0), 1.0, 5.0, FULL_TIME)
    assert said.gross.reason is Reason.SENSOR_LOST


def test_a_gap_within_the_window_is_told_not_bridged() -> None:
    trace = constant(200.0)
    kept = (trace.time_s < 2.0) | (trace.time_s > 3.0)
    said = sensed_energy(PowerTrace(trace.time_s[kept], trace.power_w[kept]), 1.0, 5.0, FULL_TIME)
    assert said.gross.reason is Reason.TRACE_GAP


def test_a_step_at_an_edge_widens_the_interval_by_what_may_lie_on_the_other_side() -> None:
    times_s = np.arange(0.0, 10.0, 0.05)
    step = PowerTrace.of(times_s, np.where(times_s < 2.0, 60.0, 260.0))
    inside, at_the_edge = (sensed_energy(step, start, 8.0, FULL_TIME) for start in (4.0, 1.9))
    # away from the step: only what one update may hide, a quarter of 0.1 s x 200 W at both edges
    assert inside.gross.bounds() == pytest.approx((4 * 260 - 10.0, 4 * 260, 4 * 260 + 10.0))
    low_j, _, high_j = at_the_edge.gross.bounds()
    assert high_j - low_j >= 20.0 + 2 * 200.0 * 0.1


def test_a_window_used_no_less_than_the_lowest_reading_says() -> None:
    times_s = np.arange(0.0, 10.0, 0.05)
    trace = PowerTrace.of(times_s, np.where((times_s > 1.0) & (times_s < 4.0), 40.0, 400.0))
    low_j, _, _ = sensed_energy(trace, 1.5, 4.0, replace(FULL_TIME, averaging_s=1.0)).gross.bounds()
    assert low_j == pytest.approx(40.0 * 2.4)


def test_a_part_time_sensor_is_flagged_and_its_interval_holds_what_it_never_saw() -> None:
    part_time = Sensor(0.1, 0.025, duty=0.25, max_power_w=400.0)
    times_s = np.arange(0.0, 10.0, 0.05)
    trace = PowerTrace.of(times_s, np.where(times_s < 1.0, 50.0, 200.0))
    said = sensed_energy(trace, 3.0, 8.0, part_time)
    assert said.flags == (Reason.ALIASING,)
    low_j, _, high_j = said.gross.bounds()
    edges_j = 2 * 0.25 * 0.1 * 150.0
    assert low_j == pytest.approx(5.0 * (0.25 * 200.0 + 0.75 * 50.0) - 0.25 * edges_j)
    assert high_j == pytest.approx(5.0 * (0.25 * 200.0 + 0.75 * 400.0) + 0.25 * edges_j)


def test_a_lag_is_undone_over_the_window() -> None:
    lagging = Sensor(0.1, 0.0, time_constant_s=0.84)
    times_s = np.arange(0.0, 12.0, 0.1)
    answer_w = 60.0 + 200.0 * (1.0 - np.exp(-np.maximum(0.0, times_s - 2.0) / 0.84))
    said = sensed_energy(PowerTrace.of(times_s, answer_w), 2.0, 4.0, lagging)
    assert said.gross.value == pytest.approx(2.0 * 260.0, rel=0.02)
    assert said.gross.low is not None and said.gross.low < 520.0 < (said.gross.high or 0.0)


def test_gain_and_offset_of_the_sensor_are_in_the_interval() -> None:
    sensor = replace(FULL_TIME, gain_low=0.9, gain_high=1.1, offset_low_w=-2.0, offset_high_w=2.0)
    low_j, value_j, high_j = sensed_energy(constant(100.0), 1.0, 6.0, sensor).gross.bounds()
    assert (low_j, value_j, high_j) == pytest.approx((490 / 1.1, 500.0, 510 / 0.9))


def test_the_gain_of_an_unknown_card_holds_every_published_one() -> None:
    low, high = gain_of_an_unknown_card()
    gains = [line.gain for line in PUBLISHED_LINES.values()]
    assert low < min(gains) and high > max(gains)
    assert uncalibrated(FULL_TIME).gain_low == low


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_nearly_all_intervals_cover_the_truth_wherever_the_window_is_cut(name: str) -> None:
    random = np.random.default_rng(7)
    sensor = replace(CLASSES[name], max_power_w=simulation.PEAK_W)
    covered = []
    for load in sorted(simulation.LOADS) * 15:
        true = simulation.curve(
            simulation.idle(3.0), simulation.load(load, 9.0, random), simulation.idle(3.0)
        )
        shown = simulation.poll(simulation.sense(true, sensor, random), 0.01, random)
        start_s, length_s = random.uniform(2.0, 5.0), random.uniform(2.5, 8.0)
        gross = sensed_energy(shown, start_s, start_s + length_s, sensor).gross
        low_j, _, high_j = gross.bounds()
        covered.append(low_j <= true.energy_j(start_s, start_s + length_s) <= high_j)
    assert sum(covered) >= 58  # of 60


@given(
    power_w=st.lists(st.floats(1.0, 500.0), min_size=40, max_size=120),
    start_s=st.floats(0.2, 1.0),
    length_s=st.floats(1.0, 2.0),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_energy_lies_within_its_interval_and_between_the_extremes(
    power_w: list[float], start_s: float, length_s: float
) -> None:
    trace = PowerTrace.of(np.arange(len(power_w)) * 0.1, power_w)
    gross = sensed_energy(trace, start_s, start_s + length_s, FULL_TIME).gross
    low_j, value_j, high_j = gross.bounds()
    assert low_j <= value_j <= high_j
    assert min(power_w) * length_s <= value_j * 1.000001
    assert value_j <= max(power_w) * length_s * 1.000001


@pytest.mark.parametrize(
    ("times_s", "power_w", "message"),
    [
        ([0.0, 1.0], [1.0], "not a trace"),
        ([], [], "not a trace"),
        ([0.0, 1.0, 2.0], [1.0, float("nan"), 1.0], "sample 2 of the trace is not a number"),
        ([0.0, 1.0], [1.0, -3.0], "sample 2 of the trace is negative"),
        ([0.0, 2.0, 1.0], [1.0, 1.0, 1.0], "sample 3 is at 1.0 s, the one before it at 2.0 s"),
        ([0.0, 1.0, 1.0], [1.0, 1.0, 1.0], "does not go on"),
    ],
)
def test_a_broken_trace_says_where_it_is_broken(
    times_s: list[float], power_w: list[float], message: str
) -> None:
    with pytest.raises(MeterError, match=message):
        PowerTrace.of(times_s, power_w)


def test_the_update_period_is_seen_through_faster_polls_and_repeated_values() -> None:
    times_s = np.arange(0.0, 10.0, 0.013)
    number = (times_s / 0.1).astype(int)
    trace = PowerTrace.of(times_s, np.where(number % 7 < 2, 50.0, 50.0 + number))
    assert trace.update_period_s() == pytest.approx(0.1, rel=0.1)
