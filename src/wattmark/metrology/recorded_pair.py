"""A sensor beside an external meter: do the intervals cover what the meter saw?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wattmark.contracts import Sensor
from wattmark.errors import MeterError
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.sensor_classes import CLASSES, uncalibrated
from wattmark.metrology.windows import SensedEnergy, sensed_energy

#: Windows of a length begin this share of it apart.
STRIDE = 0.1

#: Update periods that differ by less are those of one class.
PERIOD_ERROR = 0.1


@dataclass(frozen=True)
class PairedWindow:
    """One window seen by both: the truth, what the sensor's readings naively give, what we say."""

    start_s: float
    window_s: float
    truth_j: float
    naive_j: float
    said: SensedEnergy

    @property
    def naive_error(self) -> float:
        """Relative error of the readings, integrated as they come."""
        return self.naive_j / self.truth_j - 1.0

    @property
    def covered(self) -> bool:
        """Whether the interval holds the truth."""
        return self.said.covers(self.truth_j)


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
    return uncalibrated(
        Sensor(
            update_period_s=period_s,
            averaging_s=min(averaging_s, longest_s),
            duty=min(alike, default=min(s.duty for s in CLASSES.values())),
        )
    )


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
        yield PairedWindow(
            float(start_s),
            window_s,
            truth.integral_j(start_s, end_s),
            shown.integral_j(start_s, end_s),
            sensed_energy(shown, start_s, end_s, sensor),
        )
