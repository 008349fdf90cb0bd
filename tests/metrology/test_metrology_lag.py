"""Whether a sensor lags: what its trace allows goes before what its class says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wattmark.metrology import simulation
from wattmark.metrology.lag import lag_as_seen, longest_lag_s
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.sensor_classes import CLASSES, uncalibrated
from wattmark.metrology.windows import sensed_energy

LAGGING = CLASSES["lagging-15"]


def step(sensor_lags: bool, seed: int = 1) -> tuple[simulation.Curve, PowerTrace]:
    """Idle, busy from 4 s to 10 s, idle: as a card of 15 ms shows it, with a lag and without."""
    random = np.random.default_rng(seed)
    true = simulation.curve(simulation.idle(4.0), np.full(6000, 150.0), simulation.idle(4.0))
    sensor = LAGGING if sensor_lags else replace(LAGGING, time_constant_s=0.0)
    return true, simulation.poll(simulation.sense(true, sensor, random), 0.01, random)


def test_a_trace_that_jumps_has_no_lag() -> None:
    _, shown = step(sensor_lags=False)
    seen, error_s = lag_as_seen(shown, LAGGING)
    assert seen.time_constant_s == 0.0
    assert error_s == longest_lag_s(shown, LAGGING) < 0.1


def test_a_trace_that_follows_slowly_keeps_the_lag_of_its_class() -> None:
    _, shown = step(sensor_lags=True)
    assert lag_as_seen(shown, LAGGING) == (LAGGING, pytest.approx(0.2 * 0.84))


def test_a_trace_that_never_changes_tells_nothing() -> None:
    flat = PowerTrace.of([0.0, 1.0, 2.0], [60.0, 60.0, 60.0])
    assert longest_lag_s(flat, LAGGING) == np.inf
    assert lag_as_seen(flat, LAGGING)[0] is LAGGING
    full_time = CLASSES["instant-100-100"]
    assert lag_as_seen(flat, full_time) == (full_time, 0.0)


@pytest.mark.parametrize("sensor_lags", [True, False])
def test_windows_over_a_step_are_right_with_a_lag_and_without(sensor_lags: bool) -> None:
    true, shown = step(sensor_lags)
    for start_s in np.arange(1.0, 9.0, 0.3):
        said = sensed_energy(shown, start_s, start_s + 2.5, uncalibrated(LAGGING, 150.0))
        truth_j = true.energy_j(start_s, start_s + 2.5)
        assert said.covers(truth_j)
        naive_j = shown.integral_j(start_s, start_s + 2.5)
        assert said.gross.value is not None
        # undone where there is none, a lag would be off by 0.84 s x 90 W
        assert abs(said.gross.value - truth_j) <= max(5.0, abs(naive_j - truth_j))
