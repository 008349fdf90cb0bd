"""RAPL: the energy counters of Intel and AMD processors, read from Linux's powercap sysfs.

Counted are the package zones (summed over sockets and dies: domain ``cpu``) and the dram zones
(domain ``dram``). ``core`` and ``uncore`` are parts of a package and ``psys`` contains it, so
these are left out, as is the ``intel-rapl-mmio`` tree, which repeats the packages.

Accuracy. No source bounds RAPL's error in general. Desrochers et al. (MEMSYS 2016) find the right
trend with a constant offset, worse when idle, good on servers that measure at the voltage
regulator; Khan et al. ("RAPL in Action", 2018) find package energy highly correlated with power
at the plug. The gains below, 10 % for a package and 20 % for memory, are a judgement on these.
The counters are updated about every millisecond, at no fixed phase.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from wattmark.contracts import Availability, Channel, MeterInfo
from wattmark.errors import MeterError
from wattmark.metrology.counter_windows import counted_window, counter
from wattmark.metrology.counters import Accuracy
from wattmark.quantities import Grade, Reason
from wattmark.records import EnergyWindow, MeterReading

UPDATE_PERIOD_S = 1e-3
ACCURACY = {
    "cpu": Accuracy(UPDATE_PERIOD_S, 0.9, 1.1),
    "dram": Accuracy(UPDATE_PERIOD_S, 0.8, 1.2),
}

#: Assumed where a zone states no power limit: that of the largest servers' processors
#: (AMD EPYC 9965, Intel Xeon 6980P: 500 W each).
DEFAULT_MAX_POWER_W = 500.0

PERMISSION_CURE = (
    "as root, `chmod a+r {root}/intel-rapl:*/energy_uj` until the next boot, or for good a udev "
    'rule: ACTION=="add", SUBSYSTEM=="powercap", KERNEL=="intel-rapl:*", '
    'RUN+="/bin/chgrp power /sys%p/energy_uj", RUN+="/bin/chmod g+r /sys%p/energy_uj" '
    "with yourself in the group `power`"
)


@dataclass(frozen=True)
class Zone:
    """One counter: ``key`` such as ``cpu:0``, its folder, where it wraps, its highest power."""

    key: str
    folder: Path
    span_uj: int
    max_power_w: float

    @property
    def domain(self) -> str:
        """``cpu`` or ``dram``."""
        return self.key.partition(":")[0]

    @property
    def counter(self) -> Path:
        """The file that holds the cumulative microjoules."""
        return self.folder / "energy_uj"


def _domain_of(name: str) -> str | None:
    if name.startswith("package"):
        return "cpu"
    return "dram" if name == "dram" else None


def _max_power_w(folder: Path) -> float:
    """The largest limit that the zone states (long and short term), else a conservative value."""
    limits_uw = [
        _microwatts(file)
        for pattern in ("constraint_*_max_power_uw", "constraint_*_power_limit_uw")
        for file in folder.glob(pattern)
    ]
    return max(limits_uw, default=0) / 1e6 or DEFAULT_MAX_POWER_W


def _microwatts(file: Path) -> int:
    """A stated limit; 0 where the zone has the file but the hardware has no such limit."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0


def find_zones(root: Path) -> list[Zone]:
    """The package and dram zones below ``root``, without double counting."""
    zones: list[Zone] = []
    for folder in sorted(root.glob("intel-rapl:*")):
        domain = _domain_of((folder / "name").read_text().strip())
        if domain is None:
            continue
        index = sum(zone.domain == domain for zone in zones)
        # the file states the highest value; the step from there to 0 is one hardware unit,
        # 15 or 61 uJ, taken here as the least that the file can show
        span_uj = int((folder / "max_energy_range_uj").read_text()) + 1
        zones.append(Zone(f"{domain}:{index}", folder, span_uj, _max_power_w(folder)))
    return zones


class Rapl:
    """Counter of processor packages and, where there is one, of their memory."""

    name = "rapl"
    grade = Grade.COUNTED

    def __init__(self, root: Path = Path("/sys/class/powercap")) -> None:
        self._root = root
        self._zones: list[Zone] = []
        self._files: dict[str, int] = {}

    def probe(self) -> Availability:
        """Whether there is a package counter and we may read it."""
        try:
            zones = find_zones(self._root)
            for zone in zones:
                os.close(os.open(zone.counter, os.O_RDONLY))
        except PermissionError as error:
            cure = PERMISSION_CURE.format(root=self._root)
            detail = f"{error.filename} may not be read; {cure}"
            return Availability(False, Reason.PERMISSION, detail)
        except (OSError, ValueError) as error:
            return Availability(False, Reason.READ_FAILED, f"{self._root}: {error}")
        if not zones:
            detail = (
                f"no package zone in {self._root}: not a Linux machine with RAPL, a virtual "
                "machine or container that hides it, or the module intel_rapl_msr is not loaded"
            )
            return Availability(False, Reason.NO_METER, detail)
        return Availability(True, detail=", ".join(f"{z.key} = {z.folder.name}" for z in zones))

    def open(self, cores: int) -> MeterInfo:
        """Open the counter files. Raises MeterError where probe says unavailable."""
        if not (available := self.probe()).available:
            raise MeterError(f"rapl cannot be used: {available.detail}")
        self.close()
        self._zones = find_zones(self._root)
        self._files = {z.key: os.open(z.counter, os.O_RDONLY) for z in self._zones}
        domains = tuple(dict.fromkeys(z.domain for z in self._zones))
        return MeterInfo(self.name, domains, self.grade, UPDATE_PERIOD_S, available.detail)

    def channels(self) -> tuple[Channel, ...]:
        """One for each zone that is open."""
        return tuple(
            counter(
                self.name,
                zone.key,
                ACCURACY[zone.domain],
                self.grade,
                domain=zone.domain,
                span_j=zone.span_uj / 1e6,
                max_power_w=zone.max_power_w,
            )
            for zone in self._zones
        )

    def read(self) -> MeterReading:
        """Cumulative joules by zone; a zone that cannot be read is left out.

        Raises MeterError where the meter is not open or no zone could be read.
        """
        time_ns = time.monotonic_ns()
        values: dict[str, float] = {}
        problem: Exception | str = "the meter is not open"
        for key, file in self._files.items():
            try:
                values[key] = int(os.pread(file, 32, 0)) / 1e6
            except (OSError, ValueError) as error:
                problem = error
        if not values:
            raise MeterError(f"rapl could not be read from {self._root}: {problem}")
        return MeterReading(time_ns=time_ns, values=values)

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy of ``cpu`` and ``dram``, each the sum of its zones; missing if one is missing."""
        channels = self.channels()
        return tuple(
            counted_window([c for c in channels if c.domain == domain], before, after)
            for domain in dict.fromkeys(c.domain for c in channels)
        )

    def close(self) -> None:
        """Close the counter files; ``energy`` still works on readings taken before."""
        for file in self._files.values():
            os.close(file)
        self._files = {}
