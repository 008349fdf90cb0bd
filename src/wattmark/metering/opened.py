"""Open meters that several windows of one process share.

Opening an instrument costs milliseconds (NVML, a probe of sysfs), reading it microseconds. So a
meter is opened once, counted, and stays open when its last window ends: an open counter costs
nothing. One with a thread that polls is closed with its last window. All are closed at exit.

A forked child forgets the meters of its parent, whose threads and driver sessions it does not
have, and opens its own.
"""

from __future__ import annotations

import atexit
import math
import os
import threading
import time
from collections.abc import Sequence

from wattmark.contracts import Meter, MeterInfo
from wattmark.errors import MeterError
from wattmark.metrology.counters import window_without_idle
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class OpenMeter:
    """A meter that is open; one thread at a time reads it.

    Its faults are told as missing figures. After one it is ``lost``: opened anew for the next user.
    """

    def __init__(self, name: str, meter: Meter) -> None:
        self.name = name
        self.meter = meter
        self.info: MeterInfo = meter.open(usable_cores())
        self.users = 0
        self.lost = False
        self._lock = threading.Lock()

    def read(self) -> MeterReading | MeterError:
        """Raw cumulative values now, without those that are no number, or why there are none;
        raises nothing."""
        try:
            with self._lock:
                shown = self.meter.read()
        except Exception as fault:  # noqa: BLE001 - a plug-in must not end the work it measures
            return self._fault(fault)
        if all(map(math.isfinite, shown.values.values())):
            return shown
        # no document can hold them: as a value that could not be read
        numbers = {key: v for key, v in shown.values.items() if math.isfinite(v)}
        return shown.model_copy(update={"values": numbers})

    def energy(
        self, before: MeterReading | MeterError, after: MeterReading | MeterError
    ) -> tuple[EnergyWindow, ...]:
        """Energy between two readings by domain; raises nothing.

        Missing where it could not be read before (READ_FAILED) or after (SENSOR_LOST), or where
        the later reading is the older one (CLOCK_WENT_BACK).
        """
        if isinstance(before, MeterError):
            return self._missing(Reason.READ_FAILED, before, None, after)
        if isinstance(after, MeterError):
            return self._missing(Reason.SENSOR_LOST, after, before, None)
        if after.time_ns < before.time_ns:
            back_s = (before.time_ns - after.time_ns) / 1e9
            said = f"{self.name}: the reading after the window is {back_s:.3g} s older"
            return self._missing(Reason.CLOCK_WENT_BACK, MeterError(said), before, after)
        try:
            return self.meter.energy(before, after)  # of two readings: it needs no lock
        except Exception as fault:  # noqa: BLE001 - as in read
            return self._missing(Reason.SENSOR_LOST, self._fault(fault), before, after)

    def _fault(self, fault: Exception) -> MeterError:
        self.lost = True
        return fault if isinstance(fault, MeterError) else MeterError(f"{self.name}: {fault!r}")

    def _missing(
        self,
        reason: Reason,
        fault: MeterError,
        before: MeterReading | None,
        after: MeterReading | MeterError | None,
    ) -> tuple[EnergyWindow, ...]:
        nothing = MeterReading(time_ns=time.monotonic_ns(), values={})
        missing = Quantity.missing("J", reason, str(fault))
        return tuple(
            window_without_idle(
                self.name,
                domain,
                missing,
                before or nothing,
                after if isinstance(after, MeterReading) else nothing,
            )
            for domain in self.info.domains
        )

    @property
    def polls(self) -> bool:
        """Whether it has a thread at work for as long as it is open."""
        return getattr(self.meter, "polls", False) is True

    @property
    def polling_cpu_s(self) -> float:
        """CPU time of that thread so far; 0 for a meter that has none."""
        return float(getattr(self.meter, "polling_cpu_s", 0.0))


class OpenMeters:
    """The meters that are open in this process, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, OpenMeter] = {}
        self._best: tuple[str, ...] | None = None

    def acquire(self, names: Sequence[str] = ()) -> tuple[OpenMeter, ...]:
        """Meters of those names (none: the best there are), opened where they are not yet.

        Each must be released. Raises UnknownNameError for a name that nothing installed has, and
        MeterError for a meter that cannot be used here.
        """
        with self._lock:
            wanted = tuple(dict.fromkeys(names)) or self._best
            if wanted is None or any(self._stale(name) for name in wanted):
                wanted = self._find(tuple(dict.fromkeys(names)))
            found = tuple(self._open[name] for name in wanted)
            for meter in found:
                meter.users += 1
            return found

    def _stale(self, name: str) -> bool:
        found = self._open.get(name)
        return found is None or found.lost

    def _find(self, names: tuple[str, ...]) -> tuple[str, ...]:
        from wattmark.metering.selection import choose

        if not names:
            chosen = {meter.name: meter for meter in choose()}
            self._best = tuple(chosen)
        else:
            chosen = {name: choose((name,))[0] for name in names if self._stale(name)}
        for name, meter in chosen.items():
            if self._stale(name):
                old = self._open.pop(name, None)
                if old is not None and not old.users:
                    old.meter.close()
                self._open[name] = OpenMeter(name, meter)
        return names or tuple(chosen)

    def release(self, meters: Sequence[OpenMeter]) -> None:
        """Say that a window no longer needs these; what is lost or polls is closed with its last.

        Raises what a meter raises when it is closed, after all have been released.
        """
        with self._lock:
            faults: list[Exception] = []
            for meter in meters:
                meter.users -= 1
                if meter.users or not (meter.lost or meter.polls):
                    continue
                if self._open.get(meter.name) is meter:
                    del self._open[meter.name]
                try:
                    meter.meter.close()
                except Exception as fault:  # noqa: BLE001 - raised below, once all are released
                    faults.append(fault)
            if faults:
                raise faults[0]

    def close(self) -> None:
        """Close the meters that no window needs; the next window opens its own."""
        with self._lock:
            self._best = None
            for name, meter in list(self._open.items()):
                if not meter.users:
                    del self._open[name]
                    meter.meter.close()

    def forget(self) -> None:
        """Start anew without closing anything: in a forked child the meters are the parent's."""
        self._lock, self._open, self._best = threading.Lock(), {}, None


#: What the windows of this process share.
OPEN_METERS = OpenMeters()
atexit.register(OPEN_METERS.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=OPEN_METERS.forget)
