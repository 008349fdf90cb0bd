"""Keep a share of the allowed cores busy with real processes, for as long as a block lasts.

Each process is bound to one core and works a share of every PERIOD_S; it ends by itself where its
parent is gone. A file of its own since it is started as
``python busy_cores.py CORE SHARE PARENT``: it must not import anything large, or its start would
be load of another kind.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

PERIOD_S = 0.02


def shares(share: float, cores: int) -> list[float]:
    """What each core has to do for ``share`` of all ``cores``: full ones first, then the rest."""
    left = share * cores
    parts = []
    for _ in range(cores):
        parts.append(min(1.0, max(0.0, left)))
        left -= 1.0
    return parts


@contextmanager
def busy(share: float, cores: Sequence[int] = ()) -> Iterator[None]:
    """Keep ``share`` (0 to 1) of ``cores`` busy, by default of all that this process may use.

    The processes are ended when the block ends, however it ends.
    """
    allowed = sorted(cores or os.sched_getaffinity(0))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for core, part in zip(allowed, shares(share, len(allowed)), strict=True):
            if part > 0:
                work = [__file__, str(core), str(part), str(os.getpid())]
                command = [sys.executable, "-P", "-S", "-E", *work]
                processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def _work(core: int, share: float, parent: int) -> None:
    """Work on ``core`` for ``share`` of the time until the process ``parent`` is gone."""
    os.sched_setaffinity(0, {core})
    while os.getppid() == parent:
        start = time.perf_counter()
        value = 1.0
        while time.perf_counter() - start < share * PERIOD_S:
            for _ in range(200):
                value = value * 1.0000001 + 1e-9
        time.sleep(max(0.0, PERIOD_S - (time.perf_counter() - start)))


if __name__ == "__main__":
    _work(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
