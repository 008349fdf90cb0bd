"""Sensors that look part of the time, watched closely while work is repeated.

Such a sensor shows power (a polled meter), or a counter adds up what it saw. A counter that moves
once an update tells each reading of its sensor: what it moved by, over the time of an update.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from wattmark.contracts import Availability, Recordable, Sensor, TraceUnit
from wattmark.errors import MeterError
from wattmark.metering.opened import OpenMeter, usable_cores
from wattmark.meters.polling import Polled
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.repeats import (
    counter_updates,
    next_update_s,
    phase_shifts_s,
    updates,
)

#: Between blocks, for the device to fall idle.
PAUSE_S = 0.15

#: The sensor is asked this many times an update, to see when it updates.
LOOKS_AN_UPDATE = 10

NS_PER_S = 1e9


class Watched:
    """The part-time sensor of one meter's domain; ``samples`` are its watts, or joules."""

    def __init__(
        self, meter: str, domain: str, sensor: Sensor, samples: Polled, *, counts: bool
    ) -> None:
        self.meter, self.domain, self.sensor = meter, domain, sensor
        self._samples = samples
        self._counts = counts

    def phase_shifts_s(self) -> tuple[float, ...]:
        """Delays after an update at which to begin the blocks."""
        return phase_shifts_s(self.sensor)

    def wait_for_phase(self, since_ns: int, shift_s: float) -> None:
        """Sleep for the pause, and on to ``shift_s`` after an update of the sensor.

        A device at rest may show the same figure again and again, so that the update is not waited
        for but foreseen, from the changes of the readings since ``since_ns``.
        """
        time.sleep(PAUSE_S)
        if (trace := self._trace(since_ns)) is None:  # the meter is lost; its windows say so
            return
        now_s = (time.monotonic_ns() - since_ns) / NS_PER_S
        update_s = next_update_s(trace, self.sensor.update_period_s, now_s - shift_s)
        time.sleep(max(0.0, update_s + shift_s - (time.monotonic_ns() - since_ns) / NS_PER_S))

    def updates(self, since_ns: int) -> PowerTrace | None:
        """Watts of each update since a time, over seconds since then; None where it is lost.

        Waits until the latest update is surely seen.
        """
        time.sleep(self.sensor.update_period_s + self.sensor.delay_s)
        if (trace := self._trace(since_ns)) is None:
            return None
        found = counter_updates if self._counts else updates
        return found(trace, self.sensor.update_period_s)

    def _trace(self, since_ns: int) -> PowerTrace | None:
        samples = self._samples.samples(self.domain, since_ns)
        if len(samples) < 2:
            return None
        return PowerTrace.of(
            [(time_ns - since_ns) / NS_PER_S for time_ns, _ in samples],
            [value - (samples[0][1] if self._counts else 0.0) for _, value in samples],
        )


class _Counted:
    """An open counter whose joules are polled as if they were watts: only the samples are used."""

    def __init__(self, opened: OpenMeter, sensors: Mapping[str, Sensor]) -> None:
        self.name, self.grade = opened.name, opened.info.grade
        self._opened, self._sensors = opened, sensors

    def probe(self) -> Availability:
        return Availability(True)

    def open(self) -> Mapping[str, Sensor]:
        """Without a limit: joules go on to rise."""
        return {d: replace(sensor, max_power_w=math.inf) for d, sensor in self._sensors.items()}

    def power_w(self) -> Mapping[str, float]:
        shown = self._opened.read()
        if isinstance(shown, MeterError):
            raise shown
        return shown.values

    def close(self) -> None:
        """The meter stays open: others use it."""


@contextmanager
def watching(opened: Sequence[OpenMeter]) -> Iterator[list[Watched]]:
    """All part-time sensors of open meters, asked often until the end of the context."""
    found: list[Watched] = []
    with ExitStack() as after:
        for each in opened:
            sensors = _part_time(each)
            if not sensors:
                continue
            pace_s = min(s.update_period_s for s in sensors.values()) / LOOKS_AN_UPDATE
            if isinstance(each.meter, Polled):
                samples, counts = each.meter, False
                after.callback(setattr, samples, "poll_period_s", samples.poll_period_s)
                samples.poll_period_s = min(samples.poll_period_s, pace_s)
            else:
                samples, counts = Polled(_Counted(each, sensors), pace_s), True
                try:
                    samples.open(usable_cores())
                except MeterError:  # its windows say why
                    continue
                after.callback(samples.close)
            found += [
                Watched(each.name, domain, sensor, samples, counts=counts)
                for domain, sensor in sensors.items()
            ]
        yield found


def _part_time(opened: OpenMeter) -> dict[str, Sensor]:
    """The part-time sensors of a meter's channels of watts or joules, by their domain.

    A domain of several counters is left out: their updates are not one.
    """
    if not isinstance(opened.meter, Recordable):
        return {}
    channels = opened.meter.channels()
    return {
        c.domain: c.sensor
        for c in channels
        if c.sensor is not None
        and c.sensor.part_time
        and c.unit in (TraceUnit.WATTS, TraceUnit.JOULES)
        and sum(other.domain == c.domain for other in channels) == 1
        and c.key == c.domain
    }
