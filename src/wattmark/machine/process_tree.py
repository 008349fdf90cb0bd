"""CPU time and resident memory of a process and all that descends from it, on Linux.

CPU time of the tree = own + of children that have ended and were waited for + of each live
descendant (own, and of its ended children). A live process is read by its CPU clock, to the
nanosecond; its ended children by ``/proc/PID/stat``, in ticks of 10 ms. Not seen: a descendant
whose parent has died (it belongs to init from then on), and a child whose parent ignores SIGCHLD,
from its end on.

Whether there are children at all is one system call; only if so, descendants are looked up, by
``/proc/PID/task/TID/children`` where the kernel has it, else in all of ``/proc``.
"""

from __future__ import annotations

import os
import resource
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")

_WALL = 0x40000000
"""``__WALL`` of waitid(2): children of every kind."""
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TRIES = 3


def has_children() -> bool:
    """Whether this process has a child, running or not yet waited for. Takes nothing from it."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT | _WALL
    try:
        os.waitid(os.P_ALL, 0, options)
    except ChildProcessError:
        return False
    return True


def descendants(pid: int, proc: Path = PROC) -> list[int]:
    """Process ids of all live descendants of ``pid``, nearest first."""
    if os.access(proc / str(pid) / "task" / str(pid) / "children", os.R_OK):
        return _breadth_first(pid, lambda parent: _children_by_task(parent, proc))
    by_parent = _by_parent(proc)
    return _breadth_first(pid, lambda parent: by_parent.get(parent, []))


def _breadth_first(pid: int, children: Callable[[int], list[int]]) -> list[int]:
    found: list[int] = []
    waiting = deque([pid])
    while waiting:
        ours = children(waiting.popleft())
        found += ours
        waiting += ours
    return found


def _children_by_task(pid: int, proc: Path) -> list[int]:
    try:
        return [
            int(child)
            for task in (proc / str(pid) / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended, or is hidden
        return []


def _by_parent(proc: Path) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in proc.iterdir():
        if folder.name.isdecimal() and (stat := _stat(int(folder.name), proc)) is not None:
            found.setdefault(int(stat[1]), []).append(int(folder.name))
    return found


def _stat(pid: int, proc: Path) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` from the third (state) on; None where it has ended, or is
    hidden from this user."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return text.rpartition(")")[2].split()


def ended_children_s() -> float:
    """CPU seconds of this process's children that have ended and were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _live_s(pid: int) -> float:
    """CPU seconds of a live process and of its ended children; 0 where it has just ended."""
    stat = _stat(pid, PROC)
    if stat is None:
        return 0.0
    own, ended = (sum(map(int, stat[i : i + 2])) / _TICKS_PER_S for i in (11, 13))
    with suppress(OSError):  # where the kernel keeps this clock to itself, ticks must do
        # the id of a process's CPU clock, as clock_getcpuclockid(3) makes it
        own = time.clock_gettime((~pid << 3) | 2)
    return own + ended


def tree(roots: Iterable[int]) -> tuple[int, ...]:
    """Ids of these processes and all that descends from them, each once."""
    return tuple(dict.fromkeys(pid for root in roots for pid in (root, *descendants(root))))


def tree_cpu_s(roots: Sequence[int]) -> float:
    """CPU seconds of other processes, their threads, and all that descends from them.

    Raises ProcessLookupError where one of the roots has ended, or is hidden from this user.
    """
    for _ in range(_TRIES):
        ended = _ended_of(roots)
        live = sum(map(_live_s, tree(roots)))
        if _ended_of(roots) == ended:  # else what ended meanwhile counts twice or never
            break
    return live


def _ended_of(roots: Sequence[int]) -> list[list[str]]:
    """Ticks of the roots' ended children. Raises ProcessLookupError as ``tree_cpu_s``."""
    found = []
    for root in roots:
        stat = _stat(root, PROC)
        if stat is None or stat[0] in "ZX":
            raise ProcessLookupError(f"process {root} has ended, or is hidden")
        found.append(stat[13:15])
    return found


def cpu_s() -> float:
    """CPU seconds of this process, its threads, and all that descends from it."""
    if not has_children():
        return time.process_time() + ended_children_s()
    for _ in range(_TRIES):
        ended = ended_children_s()
        live = sum(map(_live_s, descendants(os.getpid())))
        if ended_children_s() == ended:  # else a child that ended meanwhile counts twice or never
            break
    return time.process_time() + ended + live


def resident_bytes() -> int:
    """Resident memory of this process and all that descends from it.

    Pages that several processes share count once for each.
    """
    pids = [os.getpid(), *(descendants(os.getpid()) if has_children() else ())]
    return sum(map(_resident_bytes, pids))


def _resident_bytes(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0
