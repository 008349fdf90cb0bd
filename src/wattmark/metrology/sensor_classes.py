"""The classes of power sensors of NVIDIA GPUs, and how far a card's calibration may be off.

Source: Yang, Adamek and Armour, "Accurate and Convenient Energy Measurements for GPUs" (SC'24,
arXiv 2312.02741) and the results file of its artefact (JimZeyuYang/GPU_Power_Benchmark, more than
70 cards of 12 generations): update period, averaging window, kind of response. The time constant
of the older, "logarithmic" class is theirs only as a shape; 0.84 s is what Burtscher, Zecena and
Zong ("Measuring GPU Power with the K20 Built-in Sensor", GPGPU-7, 2014) fitted for its members.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean, stdev

from wattmark.contracts import Sensor
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

#: Card -> sensor over external meter, steady state or whole load, from the same artefact. Cards
#: that estimate instead of measuring (Quadro K620: 0.59) are a class of their own, not a gain.
PUBLISHED_GAINS = {
    "RTX 3090": 0.945,
    "RTX 2080 Ti": 0.921,
    "GTX 1080 Ti": 0.996,
    "RTX 2060 Super": 1.127,
}


def gain_of_an_unknown_card() -> tuple[float, float]:
    """95 % prediction interval of the gain of one more card, from the published ones.

    Log gains taken as normal: mean +- t(n - 1) x s x sqrt(1 + 1/n) (any textbook's prediction
    interval, e.g. Hahn and Meeker, "Statistical Intervals", 1991, section 4.7), as wide as four
    cards make it.
    """
    logs = [math.log(gain) for gain in PUBLISHED_GAINS.values()]
    reach = t_95(len(logs) - 1) * stdev(logs) * math.sqrt(1 + 1 / len(logs))
    return math.exp(fmean(logs) - reach), math.exp(fmean(logs) + reach)


def uncalibrated(sensor: Sensor) -> Sensor:
    """The sensor with the gain of a card that nobody compared with a meter."""
    low, high = gain_of_an_unknown_card()
    return replace(sensor, gain_low=low, gain_high=high)
