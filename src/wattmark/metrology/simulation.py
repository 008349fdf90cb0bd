"""Simulated loads and sensors: a true power curve, and what a sensor of a class shows of it.

Curves are on a grid of ``STEP_S``; everything random comes from the generator that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.signal import lfilter

from wattmark.contracts import Sensor
from wattmark.metrology.power_trace import Floats, PowerTrace

#: Grid of true curves, in s.
STEP_S = 1e-3

#: Sensors' own clocks are off by about this share, and so is each of their periods.
PERIOD_JITTER = 0.02

IDLE_W = 60.0
PEAK_W = 300.0

Shape = Callable[[Floats, np.random.Generator], Floats]


@dataclass(frozen=True)
class Curve:
    """True power in W on the grid, shape (n,), from time 0 on."""

    power_w: Floats

    @property
    def length_s(self) -> float:
        """Length of the curve."""
        return self.power_w.size * STEP_S

    def energy_j(self, start_s: float, end_s: float) -> float:
        """True energy between two times."""
        return float(np.diff(self.energy_until_j(np.array([start_s, end_s])))[0])

    def energy_until_j(self, times_s: Floats) -> Floats:
        """Energy from 0 to each of the times; before 0 the curve went on as it began."""
        grid_s = np.arange(self._cumulative_j.size) * STEP_S
        before_j = np.minimum(0.0, times_s) * self.power_w[0]
        return np.asarray(np.interp(times_s, grid_s, self._cumulative_j) + before_j)

    @cached_property
    def _cumulative_j(self) -> Floats:
        """Energy from 0 to each grid point, shape (n + 1,)."""
        return np.concatenate(([0.0], np.cumsum(self.power_w) * STEP_S))


def _square(time_s: Floats, random: np.random.Generator) -> Floats:
    """On and off, a period of 20 ms to 2 s, any share of it on."""
    period_s, share = np.exp(random.uniform(np.log(0.02), np.log(2.0))), random.uniform(0.1, 0.9)
    low_w, high_w = IDLE_W * random.uniform(1.0, 2.0), random.uniform(150.0, PEAK_W)
    phase = (time_s / period_s + random.uniform()) % 1.0
    return np.where(phase < share, high_w, low_w)


def _ramp(time_s: Floats, random: np.random.Generator) -> Floats:
    """From one power to another over the whole of it, with a little noise."""
    ends_w = random.uniform(IDLE_W, PEAK_W, 2)
    line_w = np.linspace(ends_w[0], ends_w[1], time_s.size)
    return np.clip(line_w + random.normal(0.0, 3.0, time_s.size), 0.0, PEAK_W)


def _bursty(time_s: Floats, random: np.random.Generator) -> Floats:
    """Bursts and pauses of random length (exponential, mean 10 to 500 ms each)."""
    mean_s = np.exp(random.uniform(np.log(0.01), np.log(0.5), 2))
    power_w = np.full(time_s.size, IDLE_W)
    at = 0
    while at < time_s.size:
        pause, burst = (1 + int(random.exponential(m) / STEP_S) for m in mean_s)
        power_w[at + pause : at + pause + burst] = random.uniform(120.0, PEAK_W)
        at += pause + burst
    return power_w


def _periodic(time_s: Floats, random: np.random.Generator) -> Floats:
    """A pulse train in step, or nearly, with a 100 ms sensor: the worst case for aliasing."""
    period_s = 0.1 * random.choice([0.5, 1.0, 2.0]) * (1.0 + random.normal(0.0, 0.003))
    phase = (time_s / period_s + random.uniform()) % 1.0
    return np.where(phase < random.uniform(0.2, 0.8), random.uniform(180.0, PEAK_W), IDLE_W * 1.5)


LOADS: dict[str, Shape] = {
    "square": _square,
    "ramp": _ramp,
    "bursty": _bursty,
    "periodic": _periodic,
}


def load(name: str, length_s: float, random: np.random.Generator) -> Floats:
    """One piece of work of that shape: true power in W, shape (length / STEP_S,)."""
    time_s = np.arange(round(length_s / STEP_S), dtype=np.float64) * STEP_S
    return LOADS[name](time_s, random)


def idle(length_s: float) -> Floats:
    """Nothing to do."""
    return np.full(round(length_s / STEP_S), IDLE_W)


def curve(*pieces: Floats) -> Curve:
    """The pieces one after another."""
    return Curve(np.concatenate(pieces))


def clock(sensor: Sensor, length_s: float, random: np.random.Generator) -> Floats:
    """When the sensor updates, from 0 to a time: its own period, a random phase, some jitter."""
    period_s = sensor.update_period_s * (1.0 + random.normal(0.0, PERIOD_JITTER))
    count = max(2, int(length_s / period_s) - 1)
    jitter_s = random.normal(0.0, PERIOD_JITTER * period_s / 2.0, count)
    times_s = random.uniform(0.0, period_s) + np.arange(count) * period_s + jitter_s
    return np.asarray(np.unique(np.clip(times_s, 0.0, length_s)), dtype=np.float64)


def sense(
    true: Curve, sensor: Sensor, random: np.random.Generator, times_s: Floats | None = None
) -> PowerTrace:
    """The sensor's updates over a curve: when each appeared, what it showed.

    Gain and offset are drawn from the sensor's ranges. ``times_s`` are those of :func:`clock`
    where they are known already.
    """
    power_w = true.power_w
    if sensor.time_constant_s > 0:
        keep = np.exp(-STEP_S / sensor.time_constant_s)
        power_w, _ = lfilter([1 - keep], [1, -keep], power_w, zi=[keep * power_w[0]])
    times_s = clock(sensor, true.length_s, random) if times_s is None else times_s
    seen = true if power_w is true.power_w else Curve(power_w)
    span_s = max(sensor.averaging_s, STEP_S)
    shown_w = (seen.energy_until_j(times_s) - seen.energy_until_j(times_s - span_s)) / span_s
    gain = random.uniform(sensor.gain_low, sensor.gain_high)
    shown_w = gain * shown_w + random.uniform(sensor.offset_low_w, sensor.offset_high_w)
    if sensor.quantum_w > 0:
        shown_w = np.round(shown_w / sensor.quantum_w) * sensor.quantum_w
    return PowerTrace.of(times_s, np.maximum(shown_w, 0.0))


def poll(updates: PowerTrace, period_s: float, random: np.random.Generator) -> PowerTrace:
    """What a program sees that asks every ``period_s``: the latest update, at its own times."""
    times_s = np.arange(updates.start_s + random.uniform(0.0, period_s), updates.end_s, period_s)
    index = np.searchsorted(updates.time_s, times_s, side="right") - 1
    return PowerTrace(times_s, updates.power_w[index])
