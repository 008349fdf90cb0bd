"""A power trace: what a sensor showed, when. Checked once, when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import MeterError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PowerTrace:
    """Readings in W, shape (n,), at strictly increasing times in s, shape (n,).

    A reading stands until the next one (sample and hold).
    """

    time_s: Floats
    power_w: Floats

    @classmethod
    def of(cls, time_s: Sequence[float] | Floats, power_w: Sequence[float] | Floats) -> Self:
        """A trace of checked readings.

        Raises MeterError where it is empty, its parts differ in length, a value is not finite or
        negative, or the clock stands still or goes back; the message names the first such sample.
        """
        times, watts = np.asarray(time_s, dtype=float), np.asarray(power_w, dtype=float)
        if times.shape != watts.shape or times.ndim != 1 or times.size == 0:
            raise MeterError(f"not a trace: {times.shape} times and {watts.shape} readings")
        for what, bad in (
            ("is not a number", ~np.isfinite(times) | ~np.isfinite(watts)),
            ("is negative", watts < 0),
        ):
            if bad.any():
                at = int(np.argmax(bad))
                raise MeterError(
                    f"sample {at + 1} of the trace {what}: {watts[at]} W at {times[at]} s"
                )
        steps = np.diff(times)
        if (steps <= 0).any():
            at = int(np.argmax(steps <= 0)) + 1
            raise MeterError(
                f"the clock of the trace does not go on: sample {at + 1} is at {times[at]} s, "
                f"the one before it at {times[at - 1]} s"
            )
        return cls(times, watts)

    @property
    def start_s(self) -> float:
        """Time of the first reading."""
        return float(self.time_s[0])

    @property
    def end_s(self) -> float:
        """Time of the last reading."""
        return float(self.time_s[-1])

    def at(self, time_s: float) -> float:
        """What was shown at a time, in W; the first reading stands for all time before it."""
        index = int(np.searchsorted(self.time_s, time_s, side="right")) - 1
        return float(self.power_w[max(0, index)])

    def integral_j(self, start_s: float, end_s: float) -> float:
        """What was shown, integrated from ``start_s`` to ``end_s``, in J."""
        inside = (self.time_s > start_s) & (self.time_s < end_s)
        edges = np.concatenate(([start_s], self.time_s[inside], [end_s]))
        watts = np.concatenate(([self.at(start_s)], self.power_w[inside]))
        return float(np.sum(watts * np.diff(edges)))

    def extremes_w(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Lowest and highest reading shown between two times, in W."""
        inside = (self.time_s > start_s) & (self.time_s <= end_s)
        watts = np.append(self.power_w[inside], self.at(start_s))
        return float(watts.min()), float(watts.max())

    def longest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without a reading between two times, in s."""
        inside = self.time_s[(self.time_s > start_s) & (self.time_s < end_s)]
        first = max(0, int(np.searchsorted(self.time_s, start_s, side="right")) - 1)
        edges = np.concatenate(([min(start_s, self.time_s[first])], inside, [end_s]))
        return float(np.max(np.diff(edges)))

    def update_period_s(self) -> float:
        """Time between changes of the reading, in s: how often the sensor updates.

        Readings taken faster than the sensor updates repeat; where it never changes, the median
        time between readings. An update that repeats the value is not seen and makes a step of
        several periods: so the median is taken over steps like the shorter ones.
        """
        changes = np.flatnonzero(np.diff(self.power_w) != 0.0) + 1
        steps_s = np.diff(self.time_s[changes] if changes.size > 2 else self.time_s)
        if steps_s.size == 0:
            return 0.0
        single_s = steps_s[steps_s < 1.5 * np.percentile(steps_s, 20)]
        return float(np.median(single_s if single_s.size else steps_s))
