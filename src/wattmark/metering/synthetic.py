"""A meter that watches a load of your own making through a simulated sensor.

For trying an analysis, and for tests: the truth is known. Nothing is waited for: the whole curve is
known in advance, and a clock of your own may stand in for the real one::

    now = 0.0
    curve = simulation.curve(simulation.idle(2.0), simulation.load("square", 5.0, random))
    meter = SyntheticMeter(curve, CLASSES["instant-100-25"], clock=lambda: now)
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from wattmark.contracts import Availability, MeterInfo, Sensor
from wattmark.errors import MeterError
from wattmark.metrology.counters import elapsed_s, window_without_idle
from wattmark.metrology.simulation import Curve, sense
from wattmark.metrology.windows import SensedEnergy, sensed_energy
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

NS_PER_S = 1e9


class SyntheticMeter:
    """Readings of a simulated sensor of one domain over a true power curve.

    The curve begins when the meter is opened, by ``clock`` (seconds; default: the monotonic
    clock); after its end nothing is seen any more. ``seed`` makes the sensor's phase, jitter, gain
    and offset.
    """

    def __init__(
        self,
        curve: Curve,
        sensor: Sensor,
        *,
        domain: str = "gpu:0",
        name: str = "synthetic",
        grade: Grade = Grade.COUNTED,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.grade = grade
        self._curve = curve
        self._sensor = sensor
        self._domain = domain
        self._clock = clock
        self._trace = sense(curve, sensor, np.random.default_rng(seed))
        self._began_s: float | None = None

    def probe(self) -> Availability:
        """Always available."""
        return Availability(True, detail=f"simulated, {self._curve.length_s:g} s long")

    def open(self, cores: int) -> MeterInfo:
        """Begin with the curve, now."""
        self._began_s = self._clock()
        return MeterInfo(
            self.name, (self._domain,), self.grade, self._sensor.update_period_s, "simulated"
        )

    def read(self) -> MeterReading:
        """What the sensor shows now, in W. Raises MeterError where the meter is not open."""
        now_s = self._clock()
        since_s = self._since_start(now_s)
        watts = self._trace.at(since_s)
        return MeterReading(time_ns=round(now_s * NS_PER_S), values={self._domain: watts})

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """What the sensor's readings say of the window; missing after the end of the curve."""
        elapsed_s(before, after)
        start_s, end_s = (self._since_start(r.time_ns / NS_PER_S) for r in (before, after))
        if end_s > self._curve.length_s:
            detail = f"the curve is {self._curve.length_s:g} s long, the window ends at {end_s:g} s"
            said = SensedEnergy(Quantity.missing("J", Reason.SENSOR_LOST, detail))
        else:
            said = sensed_energy(self._trace, start_s, end_s, self._sensor, self.grade)
        window = window_without_idle(self.name, self._domain, said.gross, before, after)
        return (window.model_copy(update={"flags": said.flags}),)

    def true_energy_j(self, before: MeterReading, after: MeterReading) -> float:
        """What was really used between two readings."""
        start_s, end_s = (self._since_start(r.time_ns / NS_PER_S) for r in (before, after))
        return self._curve.energy_j(start_s, end_s)

    def close(self) -> None:
        """Nothing to release."""

    def _since_start(self, now_s: float) -> float:
        if self._began_s is None:
            raise MeterError(f"{self.name} could not be read: the meter is not open")
        return now_s - self._began_s
