"""What is read off a power trace and made of it, sample by sample, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from wattmark.contracts import Sensor
from wattmark.errors import MeterError
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.recorded_pair import guess_sensor, paired_windows
from wattmark.metrology.sensor_classes import (
    CLASSES,
    PUBLISHED_LINES,
    gain_of_an_unknown_card,
    offset_of_an_unknown_card,
    uncalibrated,
)
from wattmark.metrology.windows import (
    SensedEnergy,
    Shown,
    calibrated,
    edge_slack_j,
    sensed_energy,
    unseen_range_w,
)
from wattmark.quantities import Grade, Quantity, Reason

STEPS = PowerTrace.of([1.0, 2.0, 4.0, 5.0], [10.0, 30.0, 20.0, 40.0])


def steady(power_w: float, start_s: float, end_s: float, every_s: float = 0.5) -> PowerTrace:
    times_s = np.arange(start_s, end_s + every_s / 2, every_s)
    return PowerTrace.of(times_s, np.full(times_s.size, power_w))


def test_a_reading_stands_until_the_next_and_the_first_for_all_before() -> None:
    assert [STEPS.at(t) for t in (0.0, 1.0, 1.9, 2.0, 3.9, 9.0)] == [10, 10, 10, 30, 30, 40]
    assert (STEPS.start_s, STEPS.end_s) == (1.0, 5.0)


def test_what_was_shown_is_added_up_between_any_two_times() -> None:
    assert STEPS.integral_j(0.0, 6.0) == 2 * 10 + 2 * 30 + 20 + 40
    assert STEPS.integral_j(1.5, 4.5) == 0.5 * 10 + 2 * 30 + 0.5 * 20
    assert STEPS.integral_j(2.0, 4.0) == 60.0
    assert STEPS.integral_j(2.5, 3.5) == 30.0


def test_extremes_are_those_of_the_readings_that_stood() -> None:
    assert STEPS.extremes_w(2.5, 3.5) == (30.0, 30.0)
    assert STEPS.extremes_w(1.0, 1.5) == (10.0, 10.0)
    assert STEPS.extremes_w(2.0, 4.0) == (20.0, 30.0)  # the one at the end counts
    assert STEPS.extremes_w(0.0, 9.0) == (10.0, 40.0)


def test_the_longest_time_without_a_reading() -> None:
    assert STEPS.longest_gap_s(1.0, 5.0) == 2.0
    assert STEPS.longest_gap_s(1.0, 2.0) == 1.0
    assert STEPS.longest_gap_s(3.0, 4.5) == 2.0  # since the reading before it began
    assert STEPS.longest_gap_s(4.0, 9.0) == 4.0
    assert STEPS.longest_gap_s(-4.0, 2.0) == 5.0


@pytest.mark.parametrize(
    ("times_s", "power_w", "period_s"),
    [
        ([0.0], [5.0], 0.0),
        ([0.0, 1.0, 3.0, 6.0, 10.0], [5.0] * 5, 1.5),  # never changes: the pace of readings
        (range(5), [5, 5, 6, 6, 7], 1.0),  # two changes are one step: too few
        (range(7), [1, 1, 2, 2, 3, 3, 4], 2.0),
        (range(9), [1, 1, 2, 2, 3, 3, 4, 4, 5], 2.0),
        (range(12), [1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5], 2.0),  # one showed the same twice
        # steps of 1, 1.2 and 1.4 s; those of 1.9 and 2.2 s may hold an update that was not seen
        ([0.0, 0.5, 1.5, 2.7, 4.1, 6.0, 8.2], [1, 2, 3, 4, 5, 6, 7], 1.2),
    ],
)
def test_how_often_a_sensor_updates(times_s, power_w, period_s: float) -> None:
    assert PowerTrace.of(list(times_s), list(power_w)).update_period_s() == pytest.approx(period_s)


def test_a_broken_trace_names_its_first_broken_sample() -> None:
    with pytest.raises(MeterError, match=r"sample 1 .* not a number: 5.0 W at inf s"):
        PowerTrace.of([math.inf, 1.0], [5.0, 5.0])
    with pytest.raises(MeterError, match=r"sample 2 .* is negative: -1.0 W at 1.0 s"):
        PowerTrace.of([0.0, 1.0, 2.0], [0.0, -1.0, -2.0])
    with pytest.raises(MeterError, match="not a trace"):
        PowerTrace.of(np.zeros((2, 2)), np.zeros((2, 2)))
    assert PowerTrace.of([0.0, 1.0], [0.0, 0.0]).at(0.5) == 0.0


def test_the_energy_at_an_edge_by_hand() -> None:
    times_s = np.arange(0.0, 20.0, 1.0)
    power_w = np.where(times_s < 12.0, 100.0, 300.0)
    power_w[0] = 50.0
    sensor = Sensor(update_period_s=1.0, averaging_s=2.0, time_constant_s=5.0)
    # 1.5 s of the sensor, a gap of 0.5 s, a fifth of 5 s: 3 s on either side, seen from 5 to 15 s;
    # 200 W between, and 200 W x 5 s / 10 s that the lag hides; a quarter of an update of 250 W
    trace = PowerTrace.of(times_s, power_w)
    assert edge_slack_j(trace, 10.0, sensor, 0.5) == pytest.approx(3.0 * 300.0 + 62.5)
    slow = replace(sensor, update_period_s=4.0)
    # 3 + 0.5 + 1 s, seen 8.5 s either way: the same 200 W, 200 x 5 / 17 hidden, 0.25 x 4 s x 250 W
    found = edge_slack_j(trace, 10.5, slow, 0.5)
    assert found == pytest.approx(4.5 * (200.0 + 200.0 * 5 / 17) + 250.0)


def test_the_energy_of_a_rise_under_a_lag_by_hand() -> None:
    sensor = Sensor(update_period_s=0.5, time_constant_s=1.0, quantum_w=2.0)
    trace = PowerTrace.of(np.arange(0.0, 20.0, 0.25), 100.0 + 10 * np.arange(0.0, 20.0, 0.25))
    said = sensed_energy(trace, 4.0, 10.0, sensor).gross
    seen_j = trace.integral_j(4.25, 10.25) + 1.0 * 60.0  # 10 W a second for 6 s
    slack_j = sum(edge_slack_j(trace, edge_s, sensor, 0.25) for edge_s in (4.25, 10.25))
    slack_j += 0.2 * 1.0 * 60.0 + 1.0 * 6.0
    assert said.bounds() == pytest.approx((seen_j - slack_j, seen_j, seen_j + slack_j))
    falling = PowerTrace.of(trace.time_s, trace.power_w[::-1].copy())
    low_j, value_j, high_j = sensed_energy(falling, 4.0, 10.0, sensor).gross.bounds()
    assert value_j == pytest.approx(falling.integral_j(4.25, 10.25) - 60.0)
    assert (high_j - low_j) / 2 > 0.2 * 60.0 + 6.0


def test_a_part_time_sensor_by_hand() -> None:
    sensor = Sensor(0.1, 0.025, duty=0.25, max_power_w=400.0)
    found = sensed_energy(steady(200.0, 0.0, 10.0, 0.05), 2.0, 6.0, sensor)
    # a quarter was seen; the rest drew from the lowest reading, which is this one, to the limit
    assert found.gross.bounds() == pytest.approx((800.0, 800.0, 200.0 + 0.75 * 1600.0))
    assert found.flags == (Reason.ALIASING,)
    assert found.gross.grade is Grade.COUNTED
    # where the readings make more than the limit, they are believed
    no_limit = sensed_energy(
        steady(200.0, 0.0, 10.0, 0.05), 2.0, 6.0, replace(sensor, max_power_w=None)
    )
    assert no_limit.gross.bounds() == pytest.approx((800.0, 800.0, 800.0))


def test_what_an_unseen_device_may_draw() -> None:
    assert unseen_range_w(STEPS, Sensor(1.0)) == (10.0, 40.0)
    assert unseen_range_w(STEPS, Sensor(1.0, max_power_w=35.0)) == (10.0, 40.0)
    assert unseen_range_w(STEPS, Sensor(1.0, max_power_w=90.0)) == (10.0, 90.0)


SLOW = Sensor(update_period_s=1.0)  # needs 10 s, lags by 0.5 s, and is lost after 5 s


@pytest.mark.parametrize(
    ("trace", "window_s", "reason"),
    [
        (steady(9.0, 0.0, 30.0), (5.0, 15.0), None),
        (steady(9.0, 0.0, 30.0), (5.0, 14.999995), None),
        (steady(9.0, 0.0, 30.0), (5.0, 14.999985), Reason.WINDOW_TOO_SHORT),
        (steady(9.0, 0.0, 30.0), (15.0, 5.0), Reason.WINDOW_TOO_SHORT),
        (steady(9.0, 5.0, 30.0), (0.0, 15.0), None),
        (steady(9.0, 5.01, 30.0), (0.0, 15.0), Reason.SENSOR_LOST),
        (steady(9.0, 0.0, 15.5), (0.0, 20.0), None),
        (steady(9.0, 0.0, 15.4, 0.1), (0.0, 20.0), Reason.SENSOR_LOST),
    ],
)
def test_a_window_at_both_sides_of_what_a_sensor_allows(trace, window_s, reason) -> None:
    assert sensed_energy(trace, *window_s, SLOW).gross.reason is reason


def test_five_periods_without_a_reading_are_late_and_more_are_a_loss() -> None:
    def found(later_s: float) -> Reason | None:
        times_s = [*range(6), *(5.0 + later_s + np.arange(16))]
        trace = PowerTrace.of(times_s, [9.0] * len(times_s))
        return sensed_energy(trace, 1.0, 20.0, SLOW).gross.reason

    assert found(5.0) is None
    assert found(5.1) is Reason.TRACE_GAP


def test_a_sensor_without_a_period_needs_at_least_some_time() -> None:
    assert sensed_energy(STEPS, 2.0, 2.0, Sensor(0.0)).gross.reason is Reason.WINDOW_TOO_SHORT


@pytest.mark.parametrize(
    ("gain", "offset_w", "bounds_j"),
    [
        ((1.0, 1.0), (0.0, 0.0), (90.0, 100.0, 120.0)),
        ((0.8, 1.25), (0.0, 0.0), (90 / 1.25, 100.0, 120 / 0.8)),
        ((1.25, 2.0), (0.0, 0.0), (90 / 2.0, 100 / 1.25, 120 / 1.25)),
        ((0.5, 0.8), (0.0, 0.0), (90 / 0.8, 100 / 0.8, 120 / 0.5)),
        ((1.0, 1.0), (-1.0, 2.0), (70.0, 100.0, 130.0)),
        ((1.0, 1.0), (1.0, 2.0), (70.0, 90.0, 110.0)),
        ((1.0, 1.0), (-2.0, -1.0), (100.0, 110.0, 140.0)),
        ((1.0, 1.0), (9.5, 11.0), (0.0, 5.0, 25.0)),
        ((1.0, 1.0), (20.0, 20.0), (0.0, 0.0, 0.0)),
    ],
)
def test_what_was_seen_becomes_truth_by_gain_and_offset(gain, offset_w, bounds_j) -> None:
    sensor = Sensor(
        0.1,
        gain_low=gain[0],
        gain_high=gain[1],
        offset_low_w=offset_w[0],
        offset_high_w=offset_w[1],
    )
    found = calibrated(Shown(90.0, 100.0, 120.0, 10.0, least_w=10.0), sensor, Grade.METERED)
    assert found.bounds() == pytest.approx(bounds_j)
    assert found.grade is Grade.METERED


def test_an_interval_covers_its_ends_and_a_missing_one_nothing() -> None:
    said = SensedEnergy(Quantity.between(10.0, 8.0, 14.0, "J"))
    assert [said.covers(j) for j in (7.9, 8.0, 14.0, 14.1)] == [False, True, True, False]
    assert said.half_width(12.0) == 0.25
    assert not SensedEnergy(Quantity.missing("J", Reason.SENSOR_LOST)).covers(0.0)


def test_the_classes_are_those_of_the_publications() -> None:
    found = {
        name: (s.update_period_s, s.averaging_s, s.duty, s.time_constant_s)
        for name, s in CLASSES.items()
    }
    assert found == {
        "instant-100-25": (0.1, 0.025, 0.25, 0.0),
        "instant-100-20": (0.1, 0.02, 0.2, 0.0),
        "instant-100-100": (0.1, 0.1, 1.0, 0.0),
        "average-100-1000": (0.1, 1.0, 1.0, 0.0),
        "instant-20-10": (0.02, 0.01, 0.5, 0.0),
        "lagging-100": (0.1, 0.0, 1.0, 0.84),
        "lagging-15": (0.015, 0.0, 1.0, 0.84),
    }
    assert {name: line.gain for name, line in PUBLISHED_LINES.items()} == {
        "RTX 3090": 0.946,
        "RTX 2080 Ti": 0.966,
        "GTX 1080 Ti": 0.999,
        "RTX 2060 Super": 1.109,
        "A100": 0.958,
    }


def test_the_gain_of_one_more_card_by_students_t() -> None:
    logs = np.log([0.946, 0.966, 0.999, 1.109, 0.958])
    reach = 2.776 * logs.std(ddof=1) * math.sqrt(6 / 5)
    expected = (math.exp(logs.mean() - reach), math.exp(logs.mean() + reach))
    assert gain_of_an_unknown_card() == pytest.approx(expected)
    assert expected == pytest.approx((0.817, 1.209), abs=0.001)


def test_the_offset_of_one_more_card_by_students_t() -> None:
    shares = np.array([3.7 / 330, -5.7 / 203, -0.002, -2.0 / 190])
    reach = 3.182 * shares.std(ddof=1) * math.sqrt(5 / 4)
    expected = (shares.mean() - reach, shares.mean() + reach)
    assert offset_of_an_unknown_card() == pytest.approx(expected)
    assert expected == pytest.approx((-0.066, 0.051), abs=0.001)


def test_an_offset_is_a_share_of_full_load_and_of_the_largest_card_where_that_is_unknown() -> None:
    least, most = offset_of_an_unknown_card()
    known = uncalibrated(Sensor(0.1, max_power_w=250.0))
    assert (known.offset_low_w, known.offset_high_w) == pytest.approx((250 * least, 250 * most))
    assert uncalibrated(Sensor(0.1)).offset_low_w == pytest.approx(350 * least)
    assert uncalibrated(Sensor(0.1), 90.0).offset_low_w == pytest.approx(90 * least)


def shown(period_s: float, power_w: list[float]) -> PowerTrace:
    """Updates of a sensor, each polled three times."""
    times_s = np.arange(3 * len(power_w)) * period_s / 3
    return PowerTrace.of(times_s, np.repeat(power_w, 3))


@pytest.mark.parametrize(
    ("period_s", "taken_s", "duty"),
    [
        (0.1, 0.1, 0.2),
        (0.105, 0.1, 0.2),  # within a tenth of a published one
        (0.115, 0.115, 0.2),
        (0.02, 0.02, 0.5),
        (0.03, 0.03, 0.5),  # 0.1 s is more than twice that
        (1.0, 1.0, 0.2),  # like none: the worst of all
    ],
)
def test_a_sensor_is_guessed_from_its_pace(period_s: float, taken_s: float, duty: float) -> None:
    found = guess_sensor(shown(period_s, [100.0, 300.0] * 20))
    assert found.update_period_s == pytest.approx(taken_s)
    assert found.duty == duty
    assert found.averaging_s == pytest.approx(taken_s)  # it changes by all of the range at once
    assert (found.gain_low, found.gain_high) == gain_of_an_unknown_card()


def test_how_long_a_sensor_averages_is_guessed_from_its_largest_change() -> None:
    ramp = [100.0, 200.0, 300.0, 400.0, 500.0, 400.0, 300.0, 200.0] * 4
    assert guess_sensor(shown(0.1, ramp)).averaging_s == pytest.approx(0.4)
    slow_ramp = [100.0 + i for i in range(40)]
    assert guess_sensor(shown(0.1, slow_ramp)).averaging_s == 1.0  # the longest published
    assert guess_sensor(shown(0.1, [100.0] * 20)).averaging_s == 1.0
    with pytest.raises(MeterError, match="one reading"):
        guess_sensor(PowerTrace.of([0.0], [5.0]))


def test_windows_of_a_pair_by_hand() -> None:
    truth, shown_w = steady(100.0, 0.0, 10.0, 0.1), steady(90.0, 1.0, 10.0, 0.1)
    windows = list(paired_windows(truth, shown_w, Sensor(0.1, 0.1), 2.0))
    # from 1 s on, as long as the sensor's 0.1 s of delay leave a whole one, a tenth of it apart
    starts_s = [window.start_s for window in windows]
    assert starts_s == pytest.approx(np.arange(1.0, 7.9, 0.2))
    first = windows[0]
    assert (first.truth, first.naive, first.window_s) == pytest.approx((200.0, 180.0, 2.0))
    assert first.naive_error == pytest.approx(-0.1)
    assert not first.covered
    exact = next(paired_windows(truth, truth, Sensor(0.1, 0.1, gain_low=0.9), 2.0))
    assert exact.covered and exact.naive_error == pytest.approx(0.0)
    with pytest.raises(MeterError, match="have no window of 9 s in common"):
        list(paired_windows(truth, shown_w, Sensor(0.1, 0.1), 9.0))
