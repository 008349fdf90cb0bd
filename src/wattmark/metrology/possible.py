"""What an instrument can show of a device that exists, and what it cannot. Pure.

A figure outside of it is a fault of the instrument, its driver or the way of the figure to us: it
costs the windows that hold it (READ_FAILED), and no others. The bound is twice the power limit that
the device states, since no part sustains that (``counters.POWER_HEADROOM``), as far as its sensor
may read too high. Where nothing is stated, it lies far above all that there is:

* 100 kW for a processor, its memory or an accelerator: of 2026, the largest package has 500 W,
  the largest GPU 1.4 kW, a wafer (Cerebras CS-3) 23 kW;
* 10 MW for a node: between a machine and a hall of racks, as the board takes it.

At the other end, a device that runs draws something: a sensor that shows 0 W through a whole window
is not connected to it (reported of cards whose driver has no power reading). Single figures of 0
are left as they are, since a part that rests may draw less than the step of its sensor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from wattmark.contracts import Channel, Sensor
from wattmark.metrology.counters import POWER_HEADROOM

#: W that no device and no node reaches.
MOST_DEVICE_W = 1e5
MOST_NODE_W = 1e7

#: Words for a window in which a sensor showed 0 W throughout.
NOTHING = "0 W shown all the time, which nothing that runs draws: does the sensor see this device?"


def _stated_most_w(domain: str, max_power_w: float | None, gain_high: float) -> float:
    if max_power_w is None or not max_power_w > 0:
        return MOST_NODE_W if domain == "node" else MOST_DEVICE_W
    return POWER_HEADROOM * max_power_w * max(1.0, gain_high)


def most_w(channel: Channel) -> float:
    """The most that a counter can show as power, in W."""
    return _stated_most_w(channel.domain, channel.max_power_w, channel.gain_high)


def most_j(channel: Channel, step_s: float) -> float:
    """The most by which a counter can move between two reads ``step_s`` apart, in J.

    It may have been about to move at the first and have just moved at the second.
    """
    return most_w(channel) * (step_s + channel.update_period_s) + channel.quantum_j


def possible_joules(channel: Channel, value_j: float) -> bool:
    """Whether a counter can show this value at all."""
    if not math.isfinite(value_j) or value_j < 0:
        return False
    return channel.span_j is None or round(1e6 * value_j) < round(1e6 * channel.span_j)


def beyond_range(channel: Channel, value_j: float) -> str:
    """Words for a value that a counter cannot show."""
    if channel.span_j is None or not value_j >= channel.span_j:
        return f"{channel.meter} {channel.key} shows {value_j:g} J, which no counter can"
    return (
        f"{channel.meter} {channel.key} shows {value_j:.9g} J, and wraps at {channel.span_j:.9g} J"
    )


def most_shown_w(domain: str, sensor: Sensor) -> float:
    """The most that a sensor of power can show of a device of this domain, in W."""
    offset_w = max(0.0, sensor.offset_high_w)
    return _stated_most_w(domain, sensor.max_power_w, sensor.gain_high) + offset_w


def impossible_watts(domain: str, sensor: Sensor, power_w: float) -> str | None:
    """Words for a reading that no device of this domain can cause; None for one that can be."""
    if not math.isfinite(power_w):
        return f"{domain} was shown with {power_w} W, which is not a number"
    if power_w < 0:
        return f"{domain} was shown with {power_w:g} W: power below 0"
    if power_w <= (most := most_shown_w(domain, sensor)):
        return None
    if sensor.max_power_w:
        return (
            f"{domain} was shown with {power_w:.3g} W, and its limit is {sensor.max_power_w:g} W: "
            f"nothing above {most:.4g} W is possible"
        )
    return f"{domain} was shown with {power_w:.3g} W: no such device draws above {most:g} W"


def always_nothing(power_w: Iterable[float]) -> bool:
    """Whether a sensor showed 0 W all the time, and at least once."""
    shown = list(power_w)
    return bool(shown) and not any(shown)
