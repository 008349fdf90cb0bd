"""A sensor beside an external meter: do the intervals cover what the meter saw?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from wattmark.contracts import Sensor
from wattmark.errors import MeterError
from wattmark.metrology.compared import Compared
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.sensor_classes import CLASSES, SMALLEST_LIMIT_W, uncalibrated
from wattmark.metrology.windows import Shown, ratio_of, sensed, shown_energy

#: Windows of a length begin this share of it apart.
STRIDE = 0.1

#: All ratios of more windows than this take long and tell no more.
MOST_IN_RATIOS = 40

#: Update periods that differ by less are those of one class.
PERIOD_ERROR = 0.1


@dataclass(frozen=True, kw_only=True)
class PairedWindow(Compared):
    """One window seen by both, in J; ``shown`` is None where the window was refused."""

    start_s: float
    window_s: float
    shown: Shown | None


def guess_sensor(trace: PowerTrace) -> Sensor:
    """The least favourable sensor that may have written the trace, of an unknown card.

    The update period is seen; near a published one, it is that. A mean over w cannot change by
    more than (period / w) of the load's range in one update, so w <= period x range / largest
    change: an upper bound, which is taken.
    Whether the sensor looks all the time cannot be seen: the smallest published duty of a sensor
    of about that pace is taken.
    """
    seen_s = trace.update_period_s()
    if seen_s <= 0:
        raise MeterError("one reading is not a trace from which a sensor can be guessed")
    published_s = {sensor.update_period_s for sensor in CLASSES.values()}
    period_s = min(published_s, key=lambda period_s: abs(math.log(period_s / seen_s)))
    if abs(period_s / seen_s - 1.0) > PERIOD_ERROR:
        period_s = seen_s
    # one update may lie between two late polls: half a period still holds a single one
    nodes = np.arange(trace.start_s, trace.end_s, period_s / 2.0)
    shown_w = trace.power_w[np.searchsorted(trace.time_s, nodes, side="right") - 1]
    changes_w, range_w = np.abs(np.diff(shown_w)), float(np.ptp(trace.power_w))
    largest_w = float(changes_w.max(initial=0.0))
    longest_s = max(sensor.averaging_s for sensor in CLASSES.values())
    averaging_s = period_s * range_w / largest_w if largest_w > 0 else longest_s
    alike = [s.duty for s in CLASSES.values() if 0.5 < s.update_period_s / period_s < 2.0]
    return of_recording(
        Sensor(
            update_period_s=period_s,
            averaging_s=min(averaging_s, longest_s),
            duty=min(alike, default=min(s.duty for s in CLASSES.values())),
        ),
        trace,
    )


def of_recording(sensor: Sensor, trace: PowerTrace) -> Sensor:
    """The sensor of an unknown card that wrote a trace; full load is the most that it shows.

    An idle trace does not show full load; it is taken to be no less than the smallest power limit
    of a published card.
    """
    return uncalibrated(sensor, max(float(trace.power_w.max()), SMALLEST_LIMIT_W))


def paired_windows(
    truth: PowerTrace, shown: PowerTrace, sensor: Sensor, window_s: float
) -> Iterator[PairedWindow]:
    """Windows of one length over all that both saw. Raises MeterError where that is too short."""
    begin_s = max(truth.start_s, shown.start_s)
    latest_s = min(truth.end_s, shown.end_s - sensor.delay_s) - window_s
    if latest_s <= begin_s:
        raise MeterError(
            f"meter ({truth.start_s:.3g} to {truth.end_s:.3g} s) and sensor "
            f"({shown.start_s:.3g} to {shown.end_s:.3g} s) have no window of {window_s:g} s in "
            "common: do their times "
            "begin at the same moment?"
        )
    for start_s in np.arange(begin_s, latest_s, STRIDE * window_s):
        end_s = start_s + window_s
        seen = shown_energy(shown, start_s, end_s, sensor)
        yield PairedWindow(
            truth=truth.integral_j(start_s, end_s),
            naive=shown.integral_j(start_s, end_s),
            said=sensed(seen, sensor),
            start_s=float(start_s),
            window_s=window_s,
            shown=seen if isinstance(seen, Shown) else None,
        )


def paired_ratios(windows: Sequence[PairedWindow], sensor: Sensor) -> Iterator[Compared]:
    """Ratios of every two windows of a pair, of at most MOST_IN_RATIOS windows, evenly picked."""
    known = [(window, window.shown) for window in windows if window.shown is not None]
    picked = known[:: max(1, math.ceil(len(known) / MOST_IN_RATIOS))]
    for (one, shown), (other, its) in permutations(picked, 2):
        yield Compared(
            truth=one.truth / other.truth,
            naive=one.naive / other.naive,
            said=ratio_of(shown, its, sensor),
        )
