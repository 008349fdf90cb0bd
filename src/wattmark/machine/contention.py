"""Whether others competed for the cores of a process, and whether its threads did.

Three things are read around a window. *Others' CPU time*: how busy the pinned cores were beyond
what the process itself used (proc_stat(5)); with *steal*, what the hypervisor took. They say that
somebody else was there, and decide whether a window is contended. *Run-queue wait*: how long
threads of the process were ready but waited for a core, the second field of
``/proc/<pid>/task/<tid>/schedstat``, in ns (Linux, Documentation/scheduler/sched-stats.rst). It
also counts threads of one process that wait for each other, which is how some frameworks work and
no reason to repeat a window; it decides only where others' CPU time cannot be read.

A snapshot reads one small file per thread, two for the machine, and a clock; it is meant to be
taken before and after a window, not within one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import dataclass

from wattmark.machine.cpu_ticks import cpu_ticks, read_start, ticks_per_s

#: The kernel counts busy time in ticks of 10 ms: less than a few ticks tells nothing.
RESOLUTION_S = 0.04


@dataclass(frozen=True)
class Snapshot:
    """Cumulative readings of one process and its machine; None where the kernel has none.

    ``waits_ns`` holds the run-queue wait by thread id. ``busy_s`` and ``steal_s`` are summed over
    the pinned cores; ``pressure_s`` is the time in which some task of the machine waited for a
    CPU.
    """

    waits_ns: dict[int, int] | None
    cpu_s: float | None
    steal_s: float | None
    pressure_s: float | None
    busy_s: float | None = None


@dataclass(frozen=True)
class Contention:
    """What happened between two snapshots, in seconds; None where it could not be read."""

    run_queue_wait_s: float | None
    steal_s: float | None
    pressure_s: float | None
    cpu_s: float | None = None
    others_cpu_s: float | None = None


def snapshot(pid: int | None = None, cpus: Collection[int] = (), proc: str = "/proc") -> Snapshot:
    """Readings of process ``pid`` (default: this one); steal of ``cpus`` (default: all)."""
    busy_s, steal_s = _cores_s(proc, cpus)
    return Snapshot(
        waits_ns=_thread_waits_ns(f"{proc}/{pid or 'self'}/task"),
        cpu_s=_cpu_s(pid),
        steal_s=steal_s,
        pressure_s=_pressure_s(f"{proc}/pressure/cpu"),
        busy_s=busy_s,
    )


def between(before: Snapshot, after: Snapshot) -> Contention:
    """Differences of two snapshots of the same process.

    A thread that began in the window counts from zero, one that ended in it is not seen: its
    wait is lost with it, so that the run-queue wait is a lower bound where threads end.
    """
    busy_s = _increase(before.busy_s, after.busy_s)
    cpu_s = _increase(before.cpu_s, after.cpu_s)
    return Contention(
        run_queue_wait_s=_wait_s(before.waits_ns, after.waits_ns),
        steal_s=_increase(before.steal_s, after.steal_s),
        pressure_s=_increase(before.pressure_s, after.pressure_s),
        cpu_s=cpu_s,
        others_cpu_s=None if busy_s is None or cpu_s is None else max(0.0, busy_s - cpu_s),
    )


def is_contended(contention: Contention, cpu_s: float, limit: float) -> bool:
    """Whether others took more than ``limit`` times the CPU time that was used.

    Others' CPU time and steal count together; where the former is unknown, run-queue wait or
    steal alone. What could not be read does not count as contention. Pressure is not judged: it
    is the whole machine's, and other cores' troubles need not be ours.
    """
    if contention.others_cpu_s is not None:
        taken_s = contention.others_cpu_s + (contention.steal_s or 0.0)
        return taken_s > max(limit * cpu_s, RESOLUTION_S)
    waits = (contention.run_queue_wait_s, contention.steal_s)
    return any(wait is not None and wait > limit * cpu_s for wait in waits)


def _thread_waits_ns(tasks: str) -> dict[int, int] | None:
    try:
        with os.scandir(tasks) as entries:
            threads = [entry.name for entry in entries]
    except OSError:
        return None
    waits_ns: dict[int, int] = {}
    slices = 0
    for thread in threads:
        # run time and wait in ns, then the number of time slices
        fields = read_start(f"{tasks}/{thread}/schedstat").split()
        if len(fields) == 3:
            waits_ns[int(thread)] = int(fields[1])
            slices += int(fields[2])
    # a kernel without these statistics shows zeros, even for a thread that runs
    return waits_ns if slices else None


def _wait_s(before: dict[int, int] | None, after: dict[int, int] | None) -> float | None:
    if before is None or after is None:
        return None
    total_ns = 0
    for thread, wait_ns in after.items():
        earlier_ns = before.get(thread, 0)
        # a wait that shrank is a new thread with a used id
        total_ns += wait_ns - earlier_ns if wait_ns >= earlier_ns else wait_ns
    return total_ns / 1e9


def _cpu_s(pid: int | None) -> float | None:
    """CPU time of all threads, ended ones included."""
    if pid is None:
        return time.process_time_ns() / 1e9
    try:
        # Linux's clock id of another process's CPU time: clock_getcpuclockid(3)
        return time.clock_gettime_ns((~pid << 3) | 2) / 1e9
    except (AttributeError, OSError):
        return None


def _cores_s(proc: str, cpus: Collection[int]) -> tuple[float | None, float | None]:
    """Busy time and steal of the cores, in s."""
    shown = cpu_ticks(proc)
    cores = [shown.get(name) for name in ([f"cpu{cpu}" for cpu in cpus] or ["cpu"])]
    busy = [core.busy for core in cores if core is not None and core.steal is not None]
    steal = [core.steal for core in cores if core is not None and core.steal is not None]
    if len(steal) != len(cores):
        return None, None
    return sum(busy) / ticks_per_s(), sum(steal) / ticks_per_s()


def _pressure_s(path: str) -> float | None:
    """``some`` total of the CPU in s (Linux, Documentation/accounting/psi.rst)."""
    first, _, _ = read_start(path).partition(b"\n")
    kind, _, total_us = first.partition(b" total=")
    return int(total_us) / 1e6 if kind.startswith(b"some") and total_us else None


def _increase(before: float | None, after: float | None) -> float | None:
    # steal may be corrected downwards by the kernel
    return None if before is None or after is None else max(0.0, after - before)
