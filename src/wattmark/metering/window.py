"""Measure a block of Python of your own: seconds, and joules of every domain.

::

    with wattmark.measure("an epoch") as window:
        train()
    for energy in window.energy:
        print(energy.domain, energy.gross, energy.idle_subtracted)

A meter of a device (RAPL, NVML) sees what all programs did to it meanwhile, and of the GPUs those
count that this process and its children have open (``wattmark.metering.used_gpus``); the modelled
CPU meter sees this process and its children. Windows may lie within each other and run in several
threads at once: each is a difference of readings of its own, and nothing is shared out between
them, so overlapping windows each hold the whole energy of their time.

Work on a GPU goes on after the call that started it has returned. Where PyTorch is loaded and uses
CUDA, a window waits for its devices at both ends; with any other library, do so yourself before
the block ends (``jax.block_until_ready(x)``), or the rest of the work falls outside.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from wattmark.contracts import Scope
from wattmark.errors import InputError, MeterError
from wattmark.metering.accelerators import synchronise
from wattmark.metering.opened import OpenMeter, usable_cores
from wattmark.metering.readings import Reading, Readings
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow, IdleRecord

if TYPE_CHECKING:
    from wattmark.metering.used_gpus import Charging

#: What a window reads outside its block.
_NONE = Readings(())

_log = logging.getLogger(__name__)


class Window:
    """What a block of Python took, to be read once the block has ended, even by an exception."""

    def __init__(
        self,
        name: str,
        meters: Sequence[str] = (),
        *,
        idle: bool | None = None,
        whole_node: bool = False,
    ) -> None:
        if isinstance(meters, str):
            raise InputError(f"meters takes several names: write meters=({meters!r},)")
        self.name = name
        self._wanted = tuple(meters)
        self._idle = idle
        self._whole_node = whole_node
        self._open = _NONE
        self._charging: Charging | None = None
        self._before: Reading = ()
        self._idle_now: IdleRecord | None = None
        self._process = 0
        self._start_ns = 0
        self._overhead_ns = 0
        self._seconds: float | None = None
        self._energy: tuple[EnergyWindow, ...] = ()
        self._meters: tuple[str, ...] = ()

    @property
    def duration(self) -> Quantity:
        """Seconds of the block on a monotonic clock. Raises MeterError before it has ended."""
        return Quantity.exact(self._ended(), "s")

    @property
    def overhead(self) -> Quantity:
        """Seconds that opening and closing the window cost, outside ``duration``: reading, and for
        a sensor of power also the wait until it has shown the block's end.

        Raises MeterError before the block has ended.
        """
        self._ended()
        return Quantity.exact(self._overhead_ns / 1e9, "s")

    @property
    def energy(self) -> tuple[EnergyWindow, ...]:
        """Of each meter and domain the joules: gross, idle-subtracted and idle-allocated, each with
        interval and grade, or the reason why there is no figure.

        Raises MeterError before the block has ended.
        """
        self._ended()
        return self._energy

    @property
    def meters(self) -> tuple[str, ...]:
        """Names of the meters in use; known from the block's start on."""
        return self._meters

    def _ended(self) -> float:
        if self._seconds is None:
            raise MeterError(f"window {self.name!r} has not ended: read it after its block")
        return self._seconds

    def __str__(self) -> str:
        if self._seconds is None:
            return f"{self.name}: not ended"
        from wattmark.formatting import duration_text, quantity_text

        figures = [
            f"{e.domain} {quantity_text(e.gross)}" + (f" {e.gross.grade}" if e.gross.grade else "")
            for e in self._energy
        ]
        return f"{self.name}: {'; '.join([duration_text(self._seconds), *figures])}"

    def __enter__(self) -> Self:
        """Open the meters that are not open yet, read them, begin.

        Raises UnknownNameError for a meter that nothing installed has, and MeterError for one that
        cannot be used here or a window that was used before.
        """
        called_ns = time.perf_counter_ns()
        if self._process:
            raise MeterError(f"window {self.name!r} was used before: begin a new one")
        opened = Readings.shared(self._wanted)
        try:
            if self._idle:
                self._idle_now = _idle_now(opened)
            self._charging = _charging(opened, self._whole_node)
            synchronise()
        except BaseException:
            opened.close()
            raise
        self._open, self._meters = opened, opened.names
        self._process = os.getpid()
        self._before = opened.read()
        self._start_ns = time.perf_counter_ns()
        self._overhead_ns = self._start_ns - called_ns
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        fault: Exception | None = None
        try:
            synchronise()
        except RuntimeError as problem:  # the block's own work failed on the device
            fault = problem
        end_ns = time.perf_counter_ns()
        after = self._open.read()
        if os.getpid() != self._process:
            detail = f"the window began in process {self._process} and ended in {os.getpid()}"
            after = (MeterError(detail),) * len(after)
        if self._charging is not None and os.getpid() == self._process:
            self._charging.end()
        self._energy = self._with_idle(self._open.energy(self._before, after))
        try:
            if os.getpid() == self._process:
                self._open.close()
        except Exception as problem:  # noqa: BLE001 - the figures are there; say it and go on
            _log.warning("a meter of window %r could not be closed: %s", self.name, problem)
        self._open, self._before = _NONE, ()
        self._seconds = (end_ns - self._start_ns) / 1e9
        self._overhead_ns += time.perf_counter_ns() - end_ns
        if fault is not None and error is None:
            raise fault

    def _with_idle(self, windows: tuple[EnergyWindow, ...]) -> tuple[EnergyWindow, ...]:
        unknown = Reason.IDLE_NOT_MEASURED
        if self._idle is False or all(w.idle_subtracted.reason is not unknown for w in windows):
            return windows
        from wattmark.metering.idle_reading import recall_idle
        from wattmark.metrology.idle import reserved_share, with_idle

        record = self._idle_now or recall_idle(_names(_devices(self._open)))
        if record is None:
            return windows
        reserved, machine = usable_cores(), os.cpu_count() or 1
        return tuple(
            with_idle(w, record.of(w.meter, w.domain), reserved_share(w.domain, reserved, machine))
            for w in windows
        )


def _charging(opened: Readings, whole_node: bool) -> Charging | None:
    """What finds the GPUs that this process uses, begun; None where none is seen, or all count."""
    if whole_node or not opened.see_gpus:
        return None
    from wattmark.metering.used_gpus import Charging, Work

    begun = Charging(opened, Work.own())
    begun.begin()
    return begun


def _devices(opened: Readings) -> tuple[OpenMeter, ...]:
    return tuple(meter for meter in opened.meters if meter.info.scope is Scope.DEVICE)


def _names(meters: Sequence[OpenMeter]) -> tuple[str, ...]:
    return tuple(meter.name for meter in meters)


def _idle_now(opened: Readings) -> IdleRecord | None:
    """Measure the power at idle where a meter needs it, unless a fresh record is there.

    It is remembered for later windows, unless an instrument failed meanwhile.
    """
    from wattmark.metering.idle_reading import (
        measure_idle,
        recall_idle,
        remember_idle,
        seconds_needed,
    )

    devices = Readings(_devices(opened))
    if not devices.names or recall_idle(devices.names) is not None:
        return None
    found = measure_idle(devices, seconds_needed(devices.infos))
    if not any(meter.lost for meter in devices.meters):
        remember_idle(devices.names, found)
    return found


def measure(
    name: str,
    *,
    meters: Sequence[str] = (),
    idle: bool | None = None,
    whole_node: bool = False,
) -> Window:
    """A window around a ``with`` block.

    ``meters`` are names (``wattmark list meters``); left out, the best there is for each domain.

    ``idle`` says where the power at idle comes from, which a meter of a whole device needs for the
    idle-subtracted and idle-allocated energy. None: from a measurement of the last ten minutes, and
    without one these two are missing. True: without one, it is measured before the block begins,
    which takes two seconds or more. False: they are left out.

    Of the GPUs those count that this process and its children have open; with ``whole_node`` all.
    """
    return Window(name, meters, idle=idle, whole_node=whole_node)
