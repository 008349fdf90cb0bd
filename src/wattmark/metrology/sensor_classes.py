"""The classes of power sensors of NVIDIA GPUs, and how far a card's calibration may be off.

Source: Yang, Adamek and Armour, "Accurate and Convenient Energy Measurements for GPUs" (SC'24,
arXiv 2312.02741) and the results file of its artefact (JimZeyuYang/GPU_Power_Benchmark, more than
70 cards of 12 generations): update period, averaging window, kind of response. The time constant
of the older, "logarithmic" class is theirs only as a shape; 0.84 s is what Burtscher, Zecena and
Zong ("Measuring GPU Power with the K20 Built-in Sensor", GPGPU-7, 2014) fitted for its members.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from wattmark.contracts import Sensor
from wattmark.metrology.counters import Accuracy
from wattmark.metrology.student import t_95

#: name -> sensor, its calibration taken as exact
CLASSES: dict[str, Sensor] = {
    "instant-100-25": Sensor(0.100, 0.025, duty=0.25),  # A100, H100
    "instant-100-20": Sensor(0.100, 0.020, duty=0.20),  # Quadro RTX 8000
    "instant-100-100": Sensor(0.100, 0.100),  # Turing, Ampere, Ada
    "average-100-1000": Sensor(0.100, 1.000),  # power.draw of Ampere and newer, driver 530 on
    "instant-20-10": Sensor(0.020, 0.010, duty=0.50),  # Pascal, Volta
    "lagging-100": Sensor(0.100, 0.0, time_constant_s=0.84),  # Fermi, Kepler, Maxwell
    "lagging-15": Sensor(0.015, 0.0, time_constant_s=0.84),  # Kepler K20, K40
}


@dataclass(frozen=True)
class Line:
    """A card beside an external meter: reading = ``gain`` x truth + offset, at steady loads.

    ``offset`` is a share of what the card showed under full load; None where only one error at
    load is published, which is then taken for the gain.
    """

    gain: float
    offset: float | None


#: Card -> its line, from the same artefact. Offsets there are in W: 1.4 to 6.0 (RTX 3090) and -5.7
#: (RTX 2080 Ti). The power under load is not with them; it is taken to be that at which gain and
#: offset make the published error: 203 W, and 330 W. Of the GTX 1080 Ti the error less the gain's.
#: That of the A100 is fitted to the artefact's recording of it: 59.7 W for 64.4 W at idle, 190.0
#: for 200.4 under load. Offsets of current sensors are shares of their full scale, not watts that
#: a small and a large card have alike, hence the shares. Cards that estimate instead of measuring
#: (Quadro K620: 0.59) are a class of their own, no gain.
PUBLISHED_LINES = {
    "RTX 3090": Line(0.946, +3.7 / 330.0),
    "RTX 2080 Ti": Line(0.966, -5.7 / 203.0),
    "GTX 1080 Ti": Line(0.999, -0.002),
    "RTX 2060 Super": Line(1.109, None),
    "A100": Line(0.958, -2.0 / 190.0),
}

#: Power limits of the published cards, in W: of the smallest (RTX 2060 Super) and of the largest.
SMALLEST_LIMIT_W, LARGEST_LIMIT_W = 175.0, 350.0


def gain_of_an_unknown_card() -> tuple[float, float]:
    """95 % prediction interval of the gain of one more card, from the published ones.

    Log gains taken as normal.
    """
    low, high = _one_more([math.log(line.gain) for line in PUBLISHED_LINES.values()])
    return math.exp(low), math.exp(high)


def offset_of_an_unknown_card() -> tuple[float, float]:
    """95 % prediction interval of its offset, as a share of its reading under full load."""
    return _one_more([x.offset for x in PUBLISHED_LINES.values() if x.offset is not None])


def _one_more(values: Sequence[float]) -> tuple[float, float]:
    """Mean +- t(n - 1) x s x sqrt(1 + 1/n), as wide as so few cards make it.

    Any textbook's prediction interval, e.g. Hahn and Meeker, "Statistical Intervals", 1991,
    section 4.7.
    """
    reach = t_95(len(values) - 1) * stdev(values) * math.sqrt(1 + 1 / len(values))
    return fmean(values) - reach, fmean(values) + reach


def uncalibrated(sensor: Sensor, full_w: float | None = None) -> Sensor:
    """The sensor with the gain and the offset of a card that nobody compared with a meter.

    ``full_w`` is what the card shows under full load; left out, its power limit, and where that
    is not known either, the largest limit of a published card.
    """
    low, high = gain_of_an_unknown_card()
    least, most = offset_of_an_unknown_card()
    full_w = full_w or sensor.max_power_w or LARGEST_LIMIT_W
    return replace(
        sensor,
        gain_low=low,
        gain_high=high,
        offset_low_w=least * full_w,
        offset_high_w=most * full_w,
    )


def uncalibrated_counter(
    update_period_s: float, limit_w: float | None = None, *, aliasing: float = 1.0
) -> Accuracy:
    """What is known of a counter that adds up such a sensor's readings.

    ``aliasing`` is the factor by which it may be off either way since it looks part of the time.
    """
    sensor = uncalibrated(Sensor(update_period_s, max_power_w=limit_w))
    return Accuracy(
        update_period_s,
        sensor.gain_low / aliasing,
        sensor.gain_high * aliasing,
        sensor.offset_low_w,
        sensor.offset_high_w,
    )
