"""Ctrl-C that is not lost.

Python raises KeyboardInterrupt wherever the main thread happens to be. Where that is a destructor
or another callback of the interpreter, the exception is printed and dropped, and the run would go
on (Python's documentation of ``object.__del__``). So the signal is noted as well, and raised again
at the next event of the run.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from wattmark.conduct.events import Event, Observer


@contextmanager
def interruptible(observe: Observer) -> Iterator[Observer]:
    """An observer that raises KeyboardInterrupt after a Ctrl-C that got lost; passes all else on.

    Outside the main thread, or where somebody else handles SIGINT, it is ``observe`` itself.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield observe
        return
    noted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        noted = True
        raise KeyboardInterrupt

    def heed(event: Event) -> None:
        if noted and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        observe(event)

    signal.signal(signal.SIGINT, note)
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
