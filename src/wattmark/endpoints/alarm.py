"""A timer for an event loop that rings within microseconds of its time.

Event loops time in steps of a millisecond: uvloop keeps its clock in ms, and asyncio's selector
rounds the wait up to one. Requests would be late by half a millisecond on average. Linux' timerfd
(man 2 timerfd_create) is a file that becomes readable at a time given in ns on CLOCK_MONOTONIC,
the clock of ``time.monotonic_ns``; elsewhere the loop's own timer has to do, and lateness shows it.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable

_TFD_TIMER_ABSTIME = 1  # <sys/timerfd.h>
_SECOND_NS = 1_000_000_000


class _Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


class _Itimerspec(ctypes.Structure):
    _fields_ = [("it_interval", _Timespec), ("it_value", _Timespec)]


class Alarm:
    """Calls ``ring`` on the loop once, at the time that was last set."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._fd = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            flags = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK and TFD_CLOEXEC have their values
            self._fd = int(self._libc.timerfd_create(time.CLOCK_MONOTONIC, flags))
        if self._fd >= 0:
            self._time = _Itimerspec()
            loop.add_reader(self._fd, self._readable)

    def set(self, at_ns: int) -> None:
        """Ring at this time of ``time.monotonic_ns``; at once if it has passed."""
        if self._fd < 0:
            if self._handle is not None:
                self._handle.cancel()
            delay_s = max(0.0, (at_ns - time.monotonic_ns()) / 1e9)
            self._handle = self._loop.call_later(delay_s, self._ring)
            return
        seconds, rest_ns = divmod(max(1, at_ns), _SECOND_NS)  # a time of 0 would disarm it
        self._time.it_value.tv_sec, self._time.it_value.tv_nsec = seconds, rest_ns
        self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(self._time), None)

    def close(self) -> None:
        """Ring no more."""
        if self._handle is not None:
            self._handle.cancel()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _readable(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:  # it was set anew after it had become readable
            return
        self._ring()
