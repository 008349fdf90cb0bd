"""Does a sensor lag? What its own trace allows, whatever its class says. Pure.

A first-order lag of time constant c goes, in a time t, no more than 1 - exp(-t / c) of the way
from what it shows to what is drawn, and a device draws no less than nothing and no more than it
can. So the largest change that a trace shows bounds c:

    change <= (1 - exp(-t / c)) x range of power   =>   c <= -t / log(1 - change / range)

Cards of one class differ: a Tesla K20 lags by 0.84 s (Burtscher et al., GPGPU-7, 2014), and the
trace of a Tesla K40m shows none. Undone where there is none, a lag is an error of 0.84 s times
the rise of power over the window.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wattmark.contracts import Sensor
from wattmark.metrology.power_trace import PowerTrace

#: How well the time constant of a lag is known, as a share of itself.
TIME_CONSTANT_ERROR = 0.2

#: For a moment a device draws more than its sensor ever showed; twice that is not sustained.
HEADROOM = 2.0

#: Changes over so many readings are looked at.
READINGS_APART = (1, 2, 4, 8, 16, 32)


def longest_lag_s(trace: PowerTrace, sensor: Sensor) -> float:
    """The longest time constant in s that a trace of this sensor allows; infinite where it is flat.

    Two readings are taken to lie an update further apart than they were read: the first may be
    that old.
    """
    range_w = max(HEADROOM * float(trace.power_w.max()), sensor.max_power_w or 0.0)
    longest_s = np.inf
    for apart in READINGS_APART:
        if trace.power_w.size <= apart:
            break
        changes_w = np.abs(trace.power_w[apart:] - trace.power_w[:-apart])
        times_s = trace.time_s[apart:] - trace.time_s[:-apart] + sensor.update_period_s
        moved = changes_w > 0
        if moved.any():
            bounds_s = -times_s[moved] / np.log1p(-changes_w[moved] / range_w)
            longest_s = min(longest_s, float(bounds_s.min()))
    return longest_s


def lag_as_seen(trace: PowerTrace, sensor: Sensor) -> tuple[Sensor, float]:
    """The sensor with the lag that its trace allows, and how far that may be off, in s.

    The lag of its class stands unless the trace moves too fast for it; then there is taken to be
    none, to within what the trace allows.
    """
    if sensor.time_constant_s <= 0:
        return sensor, 0.0
    error_s = TIME_CONSTANT_ERROR * sensor.time_constant_s
    longest_s = longest_lag_s(trace, sensor)
    if longest_s >= sensor.time_constant_s - error_s:
        return sensor, error_s
    return replace(sensor, time_constant_s=0.0), longest_s
