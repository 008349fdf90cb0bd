"""The battery: what its loads are, that a seed always gives the same, how its table is reckoned."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from wattmark.contracts import Sensor
from wattmark.errors import UnknownNameError
from wattmark.metrology import simulation
from wattmark.metrology.compared import coverage
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.sensor_classes import CLASSES
from wattmark.metrology.validation import Trial, battery, summary
from wattmark.metrology.windows import SensedEnergy
from wattmark.quantities import Quantity, Reason


def test_energy_is_that_under_the_curve_which_went_on_before_it_began() -> None:
    curve = simulation.curve(np.full(1000, 100.0), np.full(1000, 200.0))
    assert curve.length_s == 2.0
    assert curve.energy_j(0.5, 1.5) == pytest.approx(150.0)
    assert curve.energy_j(-1.0, 1.0) == pytest.approx(200.0)
    assert curve.energy_until_j(np.array([-1.0, 0.0, 2.0])) == pytest.approx([-100.0, 0.0, 300.0])
    assert list(simulation.idle(0.003)) == [60.0] * 3


@pytest.mark.parametrize("name", simulation.LOADS)
def test_no_load_draws_less_than_idle_or_more_than_the_device_can(name: str) -> None:
    for seed in range(30):
        power_w = simulation.load(name, 1.0, np.random.default_rng(seed))
        assert power_w.shape == (1000,)
        assert power_w.min() >= (0.0 if name == "ramp" else simulation.IDLE_W)
        assert power_w.max() <= simulation.PEAK_W


#: What `wattmark meter validate` has told so far rests on these loads, sensors and windows.
LOADS = {
    "square": ([171.817393, 90.919534, 192.870207, 41.268966], 4),
    "ramp": ([253.629562, 243.548249, 262.761123, 2.953095], 1999),
    "bursty": ([128.552708, 60.0, 271.961587, 78.397526], 9),
    "periodic": ([125.694523, 90.0, 186.471684, 46.576945], 20),
}
SENSED = {
    "instant-100-25": (38, [75.206382, 3823.5, 746.488917, 38293.5]),
    "instant-100-20": (38, [75.206382, 3831.0, 746.488917, 38368.5]),
    "instant-100-100": (38, [75.206382, 3621.0, 746.488917, 36274.5]),
    "average-100-1000": (38, [75.206382, 3567.0, 746.488917, 35306.5]),
    "instant-20-10": (194, [385.01526, 21062.0, 780.858434, 42306.5]),
    "lagging-100": (38, [75.206382, 3309.5, 746.488917, 32743.0]),
    "lagging-15": (260, [516.37388, 22057.0, 786.673717, 33561.0]),
}
BATTERY = {
    "instant-100-25": (48, [39633.046095, 54671.656337, 76970.669065], 54909.808356),
    "lagging-15": (24, [26254.385359, 27034.034561, 27821.519433], 27947.050675),
}


@pytest.mark.parametrize("name", simulation.LOADS)
def test_a_seed_always_gives_the_same_load(name: str) -> None:
    power_w = simulation.load(name, 2.0, np.random.default_rng(5))
    figures, changes = LOADS[name]
    found = [power_w.mean(), power_w.min(), power_w.max(), power_w.std()]
    assert found == pytest.approx(figures, rel=1e-6)
    assert np.count_nonzero(np.diff(power_w)) == changes


@pytest.mark.parametrize("name", CLASSES)
def test_a_seed_always_gives_the_same_readings(name: str) -> None:
    random = np.random.default_rng(5)
    true = simulation.curve(simulation.idle(1.0), simulation.load("bursty", 3.0, random))
    sensor = replace(
        CLASSES[name],
        gain_low=0.9,
        gain_high=1.1,
        offset_low_w=-3.0,
        offset_high_w=3.0,
        quantum_w=0.5,
    )
    random = np.random.default_rng(6)
    shown = simulation.sense(true, sensor, random)
    seen = simulation.poll(shown, 0.01, random)
    count, sums = SENSED[name]
    assert shown.time_s.size == count
    found = [shown.time_s.sum(), shown.power_w.sum(), seen.time_s.sum(), seen.power_w.sum()]
    assert found == pytest.approx(sums, rel=1e-6)


@pytest.mark.parametrize("name", BATTERY)
def test_a_seed_always_gives_the_same_battery(name: str) -> None:
    told: list[tuple[int, int]] = []
    trials = list(battery(1, 3, [name], lambda done, total: told.append((done, total))))
    count, said_j, truth_j = BATTERY[name]
    assert len(trials) == count
    assert told == [(done, count) for done in range(count)]
    known = [trial.said.gross.bounds() for trial in trials if trial.said.gross.known]
    assert [sum(ends) for ends in zip(*known, strict=True)] == pytest.approx(said_j, rel=1e-6)
    assert sum(trial.truth for trial in trials) == pytest.approx(truth_j, rel=1e-6)
    assert {trial.shifted for trial in trials} == ({False, True} if count == 48 else {False})


def test_every_trial_is_repeated_and_a_class_that_is_none_is_refused() -> None:
    told: list[tuple[int, int]] = []
    trials = battery(3, 3, ["lagging-100"], lambda done, total: told.append((done, total)))
    first = [next(trials) for _ in range(4)]
    assert [trial.window_s for trial in first] == [0.5, 0.5, 0.5, 1.0]
    assert told == [(0, 72), (3, 72)]
    with pytest.raises(UnknownNameError, match="sensor class"):
        list(battery(1, 3, ["lagging-7"]))


@pytest.mark.parametrize(("length_s", "updates"), [(0.05, 1), (10.0, 99)])
def test_a_clock_ticks_about_once_a_period_within_its_time(length_s: float, updates: int) -> None:
    times_s = simulation.clock(Sensor(0.1), length_s, np.random.default_rng(1))
    assert abs(times_s.size - updates) <= 3
    assert times_s.min() >= 0.0 and times_s.max() <= length_s
    if length_s > 1.0:
        assert np.diff(times_s).mean() == pytest.approx(0.1, rel=0.06)


def test_a_sensor_shows_no_less_than_nothing_in_steps_of_its_own() -> None:
    true = simulation.curve(simulation.idle(3.0))
    sensor = Sensor(0.1, 0.1, quantum_w=7.0)
    shown = simulation.sense(true, sensor, np.random.default_rng(1))
    assert set(shown.power_w) == {63.0}
    below = replace(sensor, offset_low_w=-99.0, offset_high_w=-99.0)
    assert set(simulation.sense(true, below, np.random.default_rng(1)).power_w) == {0.0}


def trial(window_s: float, gross: Quantity, *flags: Reason) -> Trial:
    return Trial(
        truth=100.0,
        naive=95.0,
        said=SensedEnergy(gross, flags),
        sensor="class",
        load="square",
        window_s=window_s,
        shifted=False,
    )


def said(low_j: float, value_j: float, high_j: float) -> Quantity:
    return Quantity.between(value_j, low_j, high_j, "J")


REFUSED = Quantity.missing("J", Reason.WINDOW_TOO_SHORT)


def test_a_trial_with_a_marked_figure_is_flagged_and_a_refused_one_has_none() -> None:
    assert not trial(1.0, REFUSED).flagged and not trial(1.0, REFUSED).known
    assert trial(1.0, said(90, 100, 110), Reason.ALIASING).flagged
    plain = trial(1.0, said(90, 98, 110))
    assert not plain.flagged and plain.covered
    assert plain.error == pytest.approx(-0.02)
    assert math.isnan(trial(1.0, REFUSED).error)
    assert not trial(1.0, REFUSED).covered


def test_a_row_of_the_table_by_hand() -> None:
    trials = [
        trial(2.0, said(90, 98, 110)),
        trial(2.0, said(101, 102, 103)),  # misses
        trial(2.0, said(80, 96, 120), Reason.ALIASING),
        trial(2.0, said(80, 90, 99), Reason.ALIASING),  # misses
        trial(2.0, REFUSED),
        trial(1.0, REFUSED),
    ]
    short, row = summary(trials)
    assert (row.sensor, row.shifted, row.window_s, row.windows) == ("class", False, 2.0, 5)
    assert row.error_p50 == pytest.approx(0.03)  # of 2, 2, 4 and 10 %
    assert row.error_p95 == pytest.approx(0.04 + 0.85 * 0.06)
    assert row.error_max == pytest.approx(0.10)
    assert (row.refused, row.flagged) == pytest.approx((0.2, 0.4))
    assert (row.naive_p50, row.naive_max) == pytest.approx((0.05, 0.05))
    # of all figures, and of those that are not marked
    assert (row.coverage, row.unflagged_coverage, row.flagged_coverage) == (0.5, 0.5, 0.5)
    assert row.unflagged_half_width == pytest.approx((0.10 + 0.01) / 2)
    assert row.flagged_half_width == pytest.approx((0.20 + 0.095) / 2)
    assert row.half_width == pytest.approx((0.095 + 0.10) / 2)  # of 1, 9.5, 10 and 20 %
    assert (short.windows, short.refused, short.coverage) == (1, 1.0, None)
    assert (short.error_p50, short.error_max, short.half_width) == (None, None, None)
    assert short.flagged_coverage is None
    assert coverage(trials) == 0.5
    assert coverage([]) is None


def test_a_poll_sees_the_latest_update() -> None:
    updates = PowerTrace.of([1.0, 2.0, 3.0], [10.0, 20.0, 30.0])
    seen = simulation.poll(updates, 0.25, np.random.default_rng(1))
    assert all(updates.at(t) == w for t, w in zip(seen.time_s, seen.power_w, strict=True))
    assert 1.0 <= seen.start_s < 1.25 and np.diff(seen.time_s) == pytest.approx(0.25)
    assert seen.end_s < 3.0
