"""Time of the processors since boot, from ``/proc/stat``: proc_stat(5)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wattmark.errors import MeterError


@dataclass(frozen=True)
class CpuTicks:
    """Ticks of one core, or of all together, since boot.

    ``busy`` is user, nice, system, irq and softirq; ``idle`` includes waiting for a disk;
    ``steal`` is what the hypervisor gave to others, None where the kernel does not say.
    """

    busy: int
    idle: int
    steal: int | None


def cpu_ticks(proc: str = "/proc") -> Mapping[str, CpuTicks]:
    """By name: ``cpu`` is all cores together, ``cpu0`` the first; empty where nothing is shown.

    It is read around measured windows: one small file, without a buffer.
    """
    found = {}
    for line in read_start(f"{proc}/stat").splitlines():
        if not line.startswith(b"cpu"):
            break
        name, *fields = line.split()
        if len(fields) < 7 or not all(field.isdigit() for field in fields[:8]):
            continue
        user, nice, system, idle, iowait, irq, softirq, *rest = map(int, fields[:8])
        busy = user + nice + system + irq + softirq
        found[name.decode()] = CpuTicks(busy, idle + iowait, rest[0] if rest else None)
    return found


@cache
def ticks_per_s() -> int:
    """How many ticks a second has."""
    return os.sysconf("SC_CLK_TCK")


def read_start(path: str) -> bytes:
    """The start of a small file of the kernel; empty where it is not there (any more)."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(file, 65536)
    except OSError:
        return b""
    finally:
        os.close(file)


@dataclass(frozen=True)
class MachineTime:
    """Cumulative CPU time of the whole machine, in any unit: of it all, and busy."""

    busy: float
    total: float


def machine_time(proc: Path = Path("/proc")) -> MachineTime:
    """Busy and total time of all CPUs since boot, in ticks.

    Idle and iowait are not busy; steal is not this machine's, so it is in neither. Raises
    MeterError where the kernel does not say.
    """
    if (all_cores := cpu_ticks(str(proc)).get("cpu")) is None:
        raise MeterError(f"{proc / 'stat'} does not say how busy the machine is")
    return MachineTime(all_cores.busy, all_cores.busy + all_cores.idle)
