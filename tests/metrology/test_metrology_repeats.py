"""Phase-shifted repeats let a part-time sensor see all of the work."""

from __future__ import annotations

import numpy as np
import pytest

from wattmark.contracts import Sensor
from wattmark.errors import MeterError
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.repeats import (
    counter_updates,
    next_update_s,
    phase_shifts_s,
    repeated_energy,
    updates,
)
from wattmark.metrology.sensor_classes import CLASSES
from wattmark.metrology.windows import sensed_energy
from wattmark.quantities import Reason

A100 = CLASSES["instant-100-25"]


def test_as_many_shifts_as_it_takes_to_see_every_moment_twice() -> None:
    assert phase_shifts_s(A100) == pytest.approx([0.0125 * i for i in range(8)])
    assert len(phase_shifts_s(CLASSES["instant-100-20"])) == 10
    assert phase_shifts_s(CLASSES["instant-100-100"]) == (0.0,)


def in_step(starts_s: list[float], length_s: float) -> PowerTrace:
    """A100 readings of work that draws 300 W in the first 25 ms of every 100 ms, else 100 W."""
    ends_s = np.arange(0.1, 20.0, 0.1)
    middles_s = ends_s - 0.0125
    power_w = np.full(ends_s.size, 50.0)
    for start_s in starts_s:
        inside = (middles_s >= start_s) & (middles_s < start_s + length_s)
        phase_s = np.round((middles_s - start_s) % 0.1, 6)
        power_w[inside & (phase_s < 0.025)] = 300.0
        power_w[inside & (phase_s >= 0.025)] = 100.0
    return PowerTrace.of(ends_s, power_w)


def test_a_load_in_step_with_the_sensor_is_seen_wrongly_once_and_rightly_in_repeats() -> None:
    true_w = 0.25 * 300.0 + 0.75 * 100.0
    once = sensed_energy(in_step([2.0], 5.0), 2.0, 7.0, A100)
    assert once.gross.value == pytest.approx(5.0 * 100.0, rel=0.03)
    assert once.flags == (Reason.ALIASING,)

    starts_s = [2.0, 3.525, 5.05, 6.575]
    repeated = repeated_energy(in_step(starts_s, 1.25), starts_s, 1.25, A100)
    assert repeated.flags == ()
    assert repeated.gross.value == pytest.approx(4 * 1.25 * true_w, rel=0.02)
    low_j, _, high_j = repeated.gross.bounds()
    assert low_j <= 4 * 1.25 * true_w <= high_j


def test_a_counter_that_adds_up_such_a_sensor_shows_the_same_in_repeats() -> None:
    starts_s = [2.0, 3.525, 5.05, 6.575]
    readings = in_step(starts_s, 1.25)
    joules = 1e6 + np.cumsum(0.1 * readings.power_w)
    polls_s = np.arange(0.5, 10.0, 0.01)
    at = np.searchsorted(readings.time_s, polls_s, side="right") - 1
    shown = counter_updates(PowerTrace(polls_s, joules[at]), 0.1)
    assert shown.power_w == pytest.approx(readings.power_w[at[0] + 2 : at[-1] + 1])
    repeated = repeated_energy(shown, starts_s, 1.25, A100)
    assert repeated.flags == ()
    assert repeated.gross.value == pytest.approx(4 * 1.25 * 150.0, rel=0.02)
    assert repeated.covers(4 * 1.25 * 150.0)


def test_repeats_in_step_with_the_sensor_have_seen_no_more_than_one_of_them() -> None:
    starts_s = [2.0, 4.0, 6.0, 8.0]
    assert repeated_energy(in_step(starts_s, 1.25), starts_s, 1.25, A100).flags == (
        Reason.ALIASING,
    )


def test_repeats_without_a_sample_are_refused() -> None:
    said = repeated_energy(in_step([], 1.0), [2.0], 0.02, A100)
    assert said.gross.reason is Reason.WINDOW_TOO_SHORT
    with pytest.raises(MeterError, match="no repeats"):
        repeated_energy(in_step([], 1.0), [], 1.0, A100)


def test_updates_are_found_at_the_sensors_own_times_though_polled_late() -> None:
    sensor = Sensor(0.1, 0.1)
    true_s = 0.037 + 0.102 * np.arange(60)
    shown_w = 100.0 + np.arange(60) % 9
    shown_w[20:23] = 111.0  # three updates of the same value
    polls_s = np.arange(true_s[0], true_s[-1], 0.01)
    seen = PowerTrace(polls_s, shown_w[np.searchsorted(true_s, polls_s, side="right") - 1])
    found = updates(seen, sensor.update_period_s)
    assert found.time_s == pytest.approx(true_s[1:-1][: found.time_s.size], abs=0.003)
    assert list(found.power_w[:30]) == list(shown_w[1:31])


@pytest.mark.parametrize("after_s", [1.0, 1.26, 3.3])
def test_the_next_update_is_foreseen_from_those_that_were_seen(after_s: float) -> None:
    polls_s = np.arange(0.0, 1.0, 0.01) + 0.003
    updates_s = 0.05 + 0.102 * np.floor((polls_s - 0.05) / 0.102)  # a clock that is 2 % slow
    shown = PowerTrace(polls_s, 100.0 + 50.0 * np.sin(40.0 * updates_s))
    found_s = next_update_s(shown, 0.1, after_s)
    assert after_s <= found_s < after_s + 0.103
    missed = (found_s - 0.05) / 0.102
    assert abs(missed - round(missed)) < 0.1


def test_without_changes_the_nominal_period_is_counted_on() -> None:
    resting = PowerTrace(np.arange(5) * 0.01, np.full(5, 60.0))
    assert next_update_s(resting, 0.1, 0.25) == pytest.approx(0.3)
    changed = PowerTrace(np.arange(5) * 0.01, np.array([60.0, 60.0, 90.0, 90.0, 90.0]))
    assert next_update_s(changed, 0.1, 0.25) == pytest.approx(0.32)
