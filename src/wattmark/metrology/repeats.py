"""Phase-shifted repeats: what a part-time sensor misses once, it sees the next time.

The same work is done n times, each time beginning at another phase of the sensor (Yang, Adamek and
Armour, SC'24, insert such delays): shifted by half its averaging window, so that n = 2 x update
period / averaging window repeats show every moment twice. The samples of all repeats are then put
on one axis, the time since the repeat began, where they lie without a gap:

    E = n x sum over samples of (power x its cell),

the cell reaching half-way to the neighbouring samples. Only a sample that looked wholly within its
repeat counts. What no repeat saw is bounded as in :mod:`wattmark.metrology.windows`; how much the
repeats differ is taken from the samples that saw the same moment, else from neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wattmark.contracts import Sensor
from wattmark.errors import MeterError
from wattmark.metrology.power_trace import Floats, PowerTrace
from wattmark.metrology.windows import (
    ROUNDING,
    SensedEnergy,
    Shown,
    calibrated,
    unseen_range_w,
)
from wattmark.quantities import Grade, Quantity, Reason

#: How often each moment of the work is seen. Once leaves gaps where the sensor's clock jitters: in
#: the battery (`wattmark meter validate`) twice halves the largest errors of periodic loads.
LOOKS_AT_A_MOMENT = 2

#: Of a repeat's length; where no sample saw more than this, the result is flagged.
UNSEEN_LIMIT = 0.1


def phase_shifts_s(sensor: Sensor) -> tuple[float, ...]:
    """Delays in s, after the sensor's update, at which to begin the repeats; (0,) if full-time."""
    if not sensor.part_time:
        return (0.0,)
    step_s = sensor.duty * sensor.update_period_s / LOOKS_AT_A_MOMENT
    count = math.ceil(sensor.update_period_s / step_s - 1e-9)
    return tuple(index * step_s for index in range(count))


def updates(trace: PowerTrace, period_s: float) -> PowerTrace:
    """The trace with one reading an update, at the times of the sensor's own clock.

    A program sees an update late, by up to the pace of its polls. A sensor's clock is regular, so
    its times are those of a straight line through the changes that were seen (least squares over
    the number of the update), less half the pace. An update that showed the same value cannot be
    seen; such ones are put in, evenly. ``period_s`` is the nominal period, to count by.
    """
    fresh = np.concatenate(([True], np.diff(trace.power_w) != 0.0))
    times, watts = trace.time_s[fresh], trace.power_w[fresh]
    if times.size < 3:
        return trace
    steps = np.diff(times) / period_s
    single_s = np.diff(times)[np.rint(steps) == 1]
    pace_s = float(np.median(single_s)) if single_s.size else period_s
    numbers = np.concatenate(([0], np.cumsum(np.maximum(1, np.rint(np.diff(times) / pace_s)))))
    slope_s, start_s = np.polyfit(numbers[1:], times[1:], 1)
    late_s = float(np.median(np.diff(trace.time_s))) / 2.0
    every = np.arange(1, int(numbers[-1]) + 1)
    shown = np.searchsorted(numbers, every, side="right") - 1
    return PowerTrace(start_s - late_s + slope_s * every, watts[shown])


def counter_updates(trace: PowerTrace, period_s: float) -> PowerTrace:
    """The watts that a sensor showed, one an update, from a counter that adds them up.

    ``trace`` holds the counter's joules as a program saw them. What a counter moves by in an
    update is that reading times the time of an update.
    """
    seen = updates(trace, period_s)
    return PowerTrace(seen.time_s[1:], np.diff(seen.power_w) / np.diff(seen.time_s))


def next_update_s(trace: PowerTrace, period_s: float, after_s: float) -> float:
    """When the sensor updates next after a time, from the updates that were seen before it.

    ``trace`` is what a program saw that polled. Where it saw fewer than three changes, its nominal
    period is counted on from the last one.
    """
    seen = updates(trace, period_s)
    if seen is trace:
        changes = np.flatnonzero(np.diff(trace.power_w) != 0.0) + 1
        last_s = float(trace.time_s[changes[-1]]) if changes.size else trace.start_s
    else:
        last_s, period_s = float(seen.time_s[-1]), float(np.median(np.diff(seen.time_s)))
    return last_s + max(0, math.ceil((after_s - last_s) / period_s)) * period_s


def repeated_energy(
    trace: PowerTrace,
    starts_s: Sequence[float],
    length_s: float,
    sensor: Sensor,
    grade: Grade = Grade.COUNTED,
) -> SensedEnergy:
    """Energy in J of all repeats together, each ``length_s`` long and the same work.

    ``trace`` has one reading an update (:func:`updates`). Missing (WINDOW_TOO_SHORT) where no
    sample lies within a repeat. Raises MeterError without a repeat.
    """
    if not starts_s:
        raise MeterError("no repeats: give the time at which each of them began")
    looks_s = sensor.duty * sensor.update_period_s
    middles, watts = _pooled(trace, starts_s, length_s, looks_s)
    total_s = len(starts_s) * length_s
    if middles.size == 0 or total_s < sensor.shortest_window_s * (1.0 - ROUNDING):
        detail = f"{len(starts_s)} repeats of {length_s:.3g} s hold {middles.size} samples"
        return SensedEnergy(Quantity.missing("J", Reason.WINDOW_TOO_SHORT, detail))
    bounds = np.concatenate(([0.0], (middles[1:] + middles[:-1]) / 2.0, [length_s]))
    cells_s = np.diff(bounds)
    mean_w = float(np.sum(watts * cells_s)) / length_s
    unseen = _unseen_share(middles, looks_s, length_s)
    floor_w, ceiling_w = unseen_range_w(trace, sensor)
    noise_w = _noise_w(watts, cells_s / length_s)
    low_w = mean_w - unseen * (mean_w - floor_w) - noise_w - sensor.quantum_w / 2
    high_w = mean_w + unseen * (ceiling_w - mean_w) + noise_w + sensor.quantum_w / 2
    shown = Shown(max(0.0, low_w) * total_s, mean_w * total_s, high_w * total_s, total_s, floor_w)
    flags = (Reason.ALIASING,) if unseen > UNSEEN_LIMIT else ()
    return SensedEnergy(calibrated(shown, sensor, grade), flags)


def _pooled(
    trace: PowerTrace, starts_s: Sequence[float], length_s: float, looks_s: float
) -> tuple[Floats, Floats]:
    """Middle of each sample's look, in s since its repeat began, and its watts; in that order."""
    middles, watts = [], []
    for start_s in starts_s:
        since_s = trace.time_s - start_s - looks_s / 2.0
        inside = (since_s >= looks_s / 2.0) & (since_s <= length_s - looks_s / 2.0)
        middles.append(since_s[inside])
        watts.append(trace.power_w[inside])
    times = np.concatenate(middles)
    order = np.argsort(times, kind="stable")
    return times[order], np.concatenate(watts)[order]


def _unseen_share(middles: Floats, looks_s: float, length_s: float) -> float:
    """Share of a repeat that no sample of any repeat looked at."""
    edges = np.concatenate(([-looks_s / 2.0], middles, [length_s + looks_s / 2.0]))
    gaps_s = np.maximum(0.0, np.diff(edges) - looks_s)
    return float(min(1.0, gaps_s.sum() / length_s))


def _noise_w(watts: Floats, weights: Floats) -> float:
    """Twice the standard error of the mean, from differences of neighbours (von Neumann, 1941)."""
    if watts.size < 3:
        return float(np.ptp(watts))
    spread_w = math.sqrt(float(np.mean(np.diff(watts) ** 2)) / 2.0)
    return 2.0 * spread_w * float(np.sqrt(np.sum(weights**2)))
