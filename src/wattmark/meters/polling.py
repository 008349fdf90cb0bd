"""A meter made of a source of power readings: a thread polls it, windows are integrated.

The thread sleeps between polls and asks at fixed times, so that a slow poll does not shift the
later ones. All samples since opening are kept, 16 bytes each and domain, for windows that lie
within each other; one that no device can cause costs the windows that hold it. A window's energy is
known only after the sensor has shown its end: ``energy`` waits for that (half an update period and
half an averaging window), after the window, idle.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from wattmark.contracts import (
    Availability,
    Channel,
    MeterInfo,
    PowerSource,
    Sensor,
    Timed,
    TraceUnit,
)
from wattmark.errors import MeterError
from wattmark.metrology.counters import elapsed_s, window_without_idle
from wattmark.metrology.possible import NOTHING, always_nothing, impossible_watts
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.windows import LONGEST_GAP_PERIODS, SensedEnergy, sensed_energy
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

#: Asking more often than this costs more than it tells.
SHORTEST_POLL_S = 0.01

#: A thread that rests no longer than this is waited for when the meter is closed.
SHORT_PAUSE_S = 0.1

NS_PER_S = 1e9

#: Time in ns on the monotonic clock, and watts.
_Sample = tuple[int, float]


class Polled:
    """A meter out of a :class:`~wattmark.contracts.PowerSource`.

    ``poll_period_s`` is by default half the shortest update period of its sensors, no less than
    10 ms. A reading holds the latest watts by domain; the samples of a window go into its
    ``power``. ``polling_cpu_s`` is the CPU time of the thread so far.
    """

    polls = True

    def __init__(self, source: PowerSource, poll_period_s: float | None = None) -> None:
        self.name = source.name
        self.grade = source.grade
        self._source = source
        self._asked_period_s = poll_period_s
        self._sensors: dict[str, Sensor] = {}
        self._samples: dict[str, _Samples] = {}
        self._fresh = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._problem: MeterError | None = None
        self.polling_cpu_s = 0.0

    def probe(self) -> Availability:
        """What the source says."""
        return self._source.probe()

    def open(self, cores: int) -> MeterInfo:
        """Open the source and begin to poll. Raises MeterError where it cannot be read."""
        self.close()
        self._sensors = dict(self._source.open())
        self._samples = {domain: _Samples() for domain in self._sensors}
        self._problem = None
        self._stopping.clear()
        try:
            self._poll()  # a source that cannot be read is told here, not in the thread
        except MeterError:
            self._source.close()
            raise
        self._thread = threading.Thread(target=self._run, name=f"poll {self.name}", daemon=True)
        self._thread.start()
        update_s = min(sensor.update_period_s for sensor in self._sensors.values())
        detail = f"polled every {1e3 * self.poll_period_s:.3g} ms"
        return MeterInfo(self.name, tuple(self._sensors), self.grade, update_s, detail)

    @property
    def poll_period_s(self) -> float:
        """Time between polls."""
        if self._asked_period_s is not None:
            return self._asked_period_s
        updates_s = [sensor.update_period_s for sensor in self._sensors.values()]
        return max(SHORTEST_POLL_S, min(updates_s, default=1.0) / 2.0)

    @poll_period_s.setter
    def poll_period_s(self, seconds: float) -> None:
        """From the next poll on, for all windows that are open."""
        self._asked_period_s = seconds

    def channels(self) -> tuple[Channel, ...]:
        """One for each domain: the watts that a reading holds."""
        return tuple(
            Channel(
                meter=self.name,
                key=domain,
                domain=domain,
                unit=TraceUnit.WATTS,
                grade=self.grade,
                update_period_s=sensor.update_period_s,
                sensor=sensor,
            )
            for domain, sensor in self._sensors.items()
        )

    def samples(self, domain: str, since_ns: int) -> tuple[tuple[int, float], ...]:
        """What the source showed of a domain since a time, as (time_ns, W), as far as it can be."""
        return tuple(self._possible(domain, self._samples[domain].since(since_ns)))

    def _possible(self, domain: str, samples: Iterable[tuple[int, float]]) -> list[_Sample]:
        sensor = self._sensors[domain]
        return [s for s in samples if impossible_watts(domain, sensor, s[1]) is None]

    def read(self) -> MeterReading:
        """The latest watts by domain, with the time now. Raises MeterError where it is not open."""
        time_ns = time.monotonic_ns()
        if self._thread is None:
            raise MeterError(f"{self.name} could not be read: the meter is not open")
        return MeterReading(
            time_ns=time_ns,
            values={d: s.power_w[-1] for d, s in self._samples.items() if s.power_w},
        )

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy of each domain; waits until the sensor has shown the end of the window."""
        wall_s = elapsed_s(before, after)
        windows = []
        for domain, sensor in self._sensors.items():
            settled_ns = after.time_ns + int(NS_PER_S * (sensor.delay_s + sensor.update_period_s))
            self._wait_for(domain, settled_ns, sensor)
            samples = self._samples[domain].between(before.time_ns, settled_ns, sensor)
            said = self._said(domain, samples, before, settled_ns, wall_s)
            window = window_without_idle(self.name, domain, said.gross, before, after)
            power = tuple(self._possible(domain, samples))
            windows.append(window.model_copy(update={"flags": said.flags, "power": power}))
        return tuple(windows)

    def close(self) -> None:
        """Stop polling and release the source; ``energy`` still works on windows read before."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            thread.join()
            self._source.close()

    def _said(
        self,
        domain: str,
        samples: Sequence[_Sample],
        before: MeterReading,
        settled_ns: int,
        wall_s: float,
    ) -> SensedEnergy:
        sensor = self._sensors[domain]
        from_ns = before.time_ns - int(NS_PER_S * sensor.update_period_s)
        within_w = [power_w for time_ns, power_w in samples if from_ns <= time_ns <= settled_ns]
        for power_w in within_w:
            if (fault := impossible_watts(domain, sensor, power_w)) is not None:
                return SensedEnergy(Quantity.missing("J", Reason.READ_FAILED, fault))
        samples = self._possible(domain, samples)
        if not samples:
            detail = str(self._problem or "it gave no reading")
            return SensedEnergy(Quantity.missing("J", Reason.SENSOR_LOST, detail))
        if always_nothing(within_w):
            nothing = f"{self.name} {domain}: {NOTHING}"
            return SensedEnergy(Quantity.missing("J", Reason.READ_FAILED, nothing))
        times_s = [(time_ns - before.time_ns) / NS_PER_S for time_ns, _ in samples]
        try:
            trace = PowerTrace.of(times_s, [watts for _, watts in samples])
        except MeterError as error:
            return SensedEnergy(Quantity.missing("J", Reason.READ_FAILED, str(error)))
        said = sensed_energy(trace, 0.0, wall_s, sensor, self.grade)
        if said.gross.reason is Reason.SENSOR_LOST and self._problem is not None:
            lost = Quantity.missing("J", Reason.SENSOR_LOST, str(self._problem))
            return SensedEnergy(lost)
        return said

    def _wait_for(self, domain: str, settled_ns: int, sensor: Sensor) -> None:
        """Wait for a sample at that time, no longer than a gap that is a loss anyhow."""
        samples = self._samples[domain]
        patience_s = LONGEST_GAP_PERIODS * sensor.update_period_s
        latest_ns = settled_ns + int(NS_PER_S * patience_s)
        with self._fresh:
            while self._thread is not None and samples.latest_ns < settled_ns:
                left_s = (latest_ns - time.monotonic_ns()) / NS_PER_S
                if left_s <= 0:
                    return
                self._fresh.wait(left_s)

    def _run(self) -> None:
        next_s, closed_cpu_s = time.monotonic(), self.polling_cpu_s
        while True:
            next_s = max(next_s + self.poll_period_s, time.monotonic())
            self._rest(max(0.0, next_s - time.monotonic()))
            if self._stopping.is_set():
                return
            try:
                self._poll()
            except MeterError as error:
                self._problem = error  # told by the windows that lack a reading
            except Exception as fault:  # noqa: BLE001 - nor may a plug-in end the thread
                self._problem = MeterError(f"{self.name}: {fault!r}")
            self.polling_cpu_s = closed_cpu_s + time.thread_time()

    def _rest(self, pause_s: float) -> None:
        """Sleep; a short sleep need not be cut short, and waiting on an event costs more."""
        if pause_s > SHORT_PAUSE_S:
            self._stopping.wait(pause_s)
        else:
            time.sleep(pause_s)

    def _poll(self) -> None:
        power_w: Mapping[str, float | Timed] = self._source.power_w()
        time_ns = time.monotonic_ns()
        with self._fresh:
            for domain, samples in self._samples.items():
                shown = power_w.get(domain)
                if isinstance(shown, Timed):
                    if shown.time_ns > time_ns:  # kept, it would hide all that come after it
                        ahead_s = (shown.time_ns - time_ns) / NS_PER_S
                        said = f"{self.name} gave a figure of a time {ahead_s:.3g} s from now"
                        self._problem = MeterError(said)
                    elif shown.time_ns > samples.latest_ns:  # else it is the one of the last poll
                        samples.add(shown.time_ns, shown.value)
                elif shown is not None:
                    samples.add(time_ns, shown)
            self._fresh.notify_all()


class _Samples:
    """Times (ns, monotonic clock) and watts of one domain, in order."""

    def __init__(self) -> None:
        self.time_ns = array("q")
        self.power_w = array("d")

    @property
    def latest_ns(self) -> int:
        return self.time_ns[-1] if self.time_ns else -1

    def add(self, time_ns: int, power_w: float) -> None:
        # what is no number is refused before its time stands there; a time always has its watts
        self.power_w.append(power_w)
        self.time_ns.append(time_ns)

    def since(self, first_ns: int) -> tuple[tuple[int, float], ...]:
        """Samples from a time on."""
        first, last = bisect_left(self.time_ns, first_ns), len(self.time_ns)
        return tuple(zip(self.time_ns[first:last], self.power_w[first:last], strict=True))

    def between(self, first_ns: int, last_ns: int, sensor: Sensor) -> list[tuple[int, float]]:
        """Samples of a window, with what lies around its edges as far as the sensor mixes it."""
        around_ns = int(NS_PER_S * 2 * (sensor.update_period_s + sensor.averaging_s))
        first = bisect_left(self.time_ns, first_ns - around_ns)
        last = bisect_right(self.time_ns, last_ns + around_ns)
        return list(zip(self.time_ns[first:last], self.power_w[first:last], strict=True))
