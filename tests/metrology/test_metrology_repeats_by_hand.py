"""Repeats, updates and the sensor's clock, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattmark.contracts import Sensor
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.repeats import next_update_s, repeated_energy, updates
from wattmark.quantities import Grade, Reason

#: Looks at a quarter of every second.
QUARTER = Sensor(1.0, 0.25, duty=0.25, quantum_w=2.0, max_power_w=300.0)


def each_second(power_w: list[float]) -> PowerTrace:
    return PowerTrace.of(np.arange(float(len(power_w))), power_w)


def test_one_repeat_by_hand() -> None:
    trace = each_second([50.0, *[100.0] * 5, *[200.0] * 5, 90.0])
    found = repeated_energy(trace, [0.0], 10.0, QUARTER)
    # ten samples that looked from 0.75, 1.75 ... 9.75 s on; the first and last cell reach the edge
    cells_s = np.array([1.375, *[1.0] * 8, 0.625])
    mean_w = (5.375 * 100 + 4.625 * 200) / 10
    spread_w = math.sqrt(100**2 / 9 / 2)  # one of nine differences of neighbours
    noise_w = 2 * spread_w * math.sqrt(((cells_s / 10) ** 2).sum())
    low_w = mean_w - 0.75 * (mean_w - 50) - noise_w - 1  # three quarters were not seen
    high_w = mean_w + 0.75 * (300 - mean_w) + noise_w + 1
    assert found.gross.bounds() == pytest.approx((10 * low_w, 10 * mean_w, 10 * high_w))
    assert found.flags == (Reason.ALIASING,)
    assert found.gross.grade is Grade.COUNTED


def test_the_samples_of_all_repeats_lie_on_one_axis() -> None:
    sensor = Sensor(1.0, 0.5, duty=0.5)
    trace = each_second([80.0, *[100.0] * 6, *[80.0] * 4, *[200.0] * 6, 80.0])
    found = repeated_energy(trace, [0.5, 11.0], 5.0, sensor)
    # looks of half a second end at 0.5, 1.5 ... 4.5 s of the one and 1, 2 ... 5 s of the other
    middles = sorted(
        [(t - 0.25, 100.0) for t in (0.5, 1.5, 2.5, 3.5, 4.5)]
        + [(t - 0.25, 200.0) for t in (1.0, 2.0, 3.0, 4.0, 5.0)]
    )
    times, watts = np.array(middles).T
    edges = np.concatenate(([0.0], (times[1:] + times[:-1]) / 2, [5.0]))
    mean_w = float((watts * np.diff(edges)).sum()) / 5.0
    assert found.gross.value == pytest.approx(10.0 * mean_w)
    assert found.flags == ()


@pytest.mark.parametrize(
    ("duty", "flags"), [(0.8, (Reason.ALIASING,)), (0.85, (Reason.ALIASING,)), (0.95, ())]
)
def test_a_tenth_unseen_is_the_limit(duty: float, flags: tuple[Reason, ...]) -> None:
    sensor = Sensor(1.0, duty, duty=duty)
    assert repeated_energy(each_second([90.0] * 12), [0.0], 10.0, sensor).flags == flags


@pytest.mark.parametrize(
    ("length_s", "reason"),
    [(5.0, None), (4.999_996, None), (4.999_992, Reason.WINDOW_TOO_SHORT)],
)
def test_all_repeats_together_are_as_long_as_a_window(
    length_s: float, reason: Reason | None
) -> None:
    found = repeated_energy(each_second([90.0] * 40), [0.0, 20.0], length_s, QUARTER).gross
    assert found.reason is reason


def test_an_interval_of_repeats_does_not_begin_below_zero() -> None:
    trace = each_second([0.0, 1.0, 90.0] * 8)
    assert repeated_energy(trace, [0.0], 20.0, QUARTER).gross.low == 0.0


@pytest.mark.parametrize("watts", [[100.0, 130.0], [100.0, 130.0, 90.0]])
def test_two_samples_differ_by_their_range_and_three_by_their_neighbours(
    watts: list[float],
) -> None:
    count = len(watts)
    ends_s = np.arange(1.0, count + 1.0)
    trace = PowerTrace.of([0.0, *ends_s], [watts[0], *watts])
    found = repeated_energy(trace, [0.0], float(count), Sensor(0.1))  # looks for 0.1 s
    edges_s = np.array([0.0, *(np.arange(1.0, count) + 0.45), count])
    shares = np.diff(edges_s) / count
    mean_w = float((np.array(watts) * shares).sum())
    unseen = 0.9  # of every second
    noise_w = {
        2: 30.0,
        3: 2 * math.sqrt((30**2 + 40**2) / 2 / 2) * math.sqrt((shares**2).sum()),
    }[count]
    high_w = mean_w + unseen * (max(watts) - mean_w) + noise_w
    assert found.gross.high == pytest.approx(count * high_w)


def polled(changes_s: list[float], length_s: float) -> PowerTrace:
    """Polls every 10 ms of a sensor that shows 100, 101 ... W, one more from each change on."""
    times_s = np.arange(round(length_s * 100)) / 100
    return PowerTrace.of(times_s, 100.0 + np.searchsorted(changes_s, times_s + 1e-9))


def test_updates_lie_half_a_poll_before_they_were_seen() -> None:
    found = updates(polled([0.1, 0.2, 0.3], 0.35), 0.1)
    assert found.time_s == pytest.approx([0.095, 0.195, 0.295])
    assert list(found.power_w) == [101.0, 102.0, 103.0]
    two = updates(polled([0.05, 0.15], 0.2), 0.1)  # the first poll is no update
    assert two.time_s == pytest.approx([0.045, 0.145])


def test_updates_that_showed_the_same_are_put_in() -> None:
    found = updates(polled([0.1, 0.3, 0.4], 0.45), 0.1)
    assert found.time_s == pytest.approx([0.095, 0.195, 0.295, 0.395])
    assert list(found.power_w) == [101.0, 101.0, 102.0, 103.0]
    # where no two neighbours were seen, the nominal period counts
    sparse = updates(polled([0.2, 0.4, 0.6], 0.65), 0.1)
    assert sparse.time_s == pytest.approx(0.095 + 0.1 * np.arange(6))
    assert list(sparse.power_w) == [100.0, 101.0, 101.0, 102.0, 102.0, 103.0]


def test_two_readings_say_nothing_of_a_clock() -> None:
    trace = polled([0.1], 0.2)
    assert updates(trace, 0.1) is trace


def test_the_next_update_is_not_before_the_last_one_seen() -> None:
    seen = polled([0.1, 0.2, 0.3], 0.35)
    found = [next_update_s(seen, 0.5, after_s) for after_s in (0.0, 0.2, 0.3, 0.4)]
    assert found == pytest.approx([0.295, 0.295, 0.395, 0.495])
    once = polled([0.1], 0.2)
    assert [next_update_s(once, 0.1, s) for s in (0.0, 0.15)] == pytest.approx([0.1, 0.2])
