"""NVML: the total-energy counter of NVIDIA GPUs (Volta and newer), one domain ``gpu:N`` each.

``nvmlDeviceGetTotalEnergyConsumption`` gives millijoules since the driver was loaded and moves
about every 100 ms. No source bounds its accuracy; it integrates the on-board power sensor and so
has that sensor's gain and offset, which differ per card and are not bounded by the often quoted
5 %. What the published cards say of a further one is taken here
(:func:`wattmark.metrology.sensor_classes.uncalibrated_counter`).

The sensor of A100 and H100 looks only a quarter of the time (25 of 100 ms). A load that repeats in
step with it is seen wrongly, however long the window: up to a factor of two in published traces
(Yang, Adamek and Armour, SC'24; 1-s windows: worst -49 %). For such cards the interval includes
that factor, and the window has the flag ``aliasing``; a load that is quiet whenever the sensor
looks escapes it. Repeats of the work see it whole (:mod:`wattmark.metering.repeating`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from wattmark.contracts import Availability, Channel, MeterInfo, Sensor
from wattmark.errors import MeterError
from wattmark.metrology.counter_windows import counted_window, counter
from wattmark.metrology.counters import window_without_idle
from wattmark.metrology.sensor_classes import CLASSES, uncalibrated, uncalibrated_counter
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

UPDATE_PERIOD_S = 0.1

#: How far a counter may be off, either way, whose sensor looks part of the time; judged by the
#: worst that was published.
ALIASING = 2.0

#: Cards with the GA100 or GH100 chip, whose sensor samples a quarter of the time.
PART_TIME_NAME = re.compile(r"\b(A30|A100|A800|H20|H100|H200|H800|GH200)\b")


@dataclass(frozen=True)
class Gpu:
    """One device: its domain, handle, product name, and whether it has the energy counter."""

    domain: str
    handle: Any
    name: str
    counts: bool

    @property
    def part_time(self) -> bool:
        """Whether its sensor looks only a quarter of the time."""
        return PART_TIME_NAME.search(self.name) is not None


def find_gpus(pynvml: Any) -> list[Gpu]:
    """All GPUs that an initialised NVML sees, in its order."""
    gpus = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        try:
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
            counts = True
        except pynvml.NVMLError:
            counts = False
        gpus.append(Gpu(f"gpu:{index}", handle, text(pynvml.nvmlDeviceGetName(handle)), counts))
    return gpus


def asked(pynvml: Any, function: str, *about: Any) -> Any:
    """The answer; None where the driver, the library or the card does not know the question."""
    try:
        return getattr(pynvml, function)(*about)
    except (pynvml.NVMLError, AttributeError):
        return None


def text(said: Any) -> str:
    """A text of NVML's: old libraries give bytes. Empty for None."""
    return said.decode() if isinstance(said, bytes) else said or ""


def power_limit_w(pynvml: Any, handle: Any) -> float | None:
    """The power limit of a device in W; None where it states none, or an old driver cannot say."""
    milliwatts = asked(pynvml, "nvmlDeviceGetPowerManagementLimit", handle)
    return None if milliwatts is None else float(milliwatts) / 1e3


@contextmanager
def session() -> Iterator[Any]:
    """The initialised library. Raises MeterError where it or its driver is not there."""
    try:
        import pynvml
    except ImportError as error:
        raise MeterError(f"{error}: install nvidia-ml-py") from error
    try:
        pynvml.nvmlInit()
        try:
            yield pynvml
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        raise MeterError(f"NVML cannot be used: {error}") from error


def device_names() -> tuple[str, ...]:
    """Product names of the GPUs that NVML sees, in its order; empty where there is none."""
    try:
        with session() as pynvml:
            return tuple(gpu.name for gpu in find_gpus(pynvml))
    except MeterError:
        return ()


class Nvml:
    """Energy counters of all NVIDIA GPUs of the machine, whoever uses them."""

    name = "nvml"
    grade = Grade.COUNTED

    def __init__(self) -> None:
        self._gpus: list[Gpu] = []
        self._limits_w: dict[str, float | None] = {}
        self._pynvml: Any = None

    def probe(self) -> Availability:
        """Whether there is a GPU with an energy counter."""
        try:
            with session() as pynvml:
                gpus = find_gpus(pynvml)
        except MeterError as error:
            return Availability(False, Reason.NO_METER, str(error))
        if not gpus:
            return Availability(False, Reason.NO_METER, "NVML sees no GPU")
        if not any(gpu.counts for gpu in gpus):
            names = ", ".join(gpu.name for gpu in gpus)
            detail = f"no total-energy counter (Volta and newer have one): {names}"
            return Availability(False, Reason.NO_ENERGY_COUNTER, detail)
        return Availability(True, detail=", ".join(f"{g.domain} = {g.name}" for g in gpus))

    def open(self, cores: int) -> MeterInfo:
        """Start NVML for this process. Raises MeterError where probe says unavailable."""
        if not (available := self.probe()).available:
            raise MeterError(f"nvml cannot be used: {available.detail}")
        import pynvml

        self.close()
        pynvml.nvmlInit()
        self._pynvml = pynvml
        self._gpus = find_gpus(pynvml)
        self._limits_w = {gpu.domain: power_limit_w(pynvml, gpu.handle) for gpu in self._gpus}
        detail = available.detail
        if any(gpu.part_time for gpu in self._gpus):
            detail += "; part-time sensor: the interval includes a factor of 2 for aliasing"
        domains = tuple(gpu.domain for gpu in self._gpus if gpu.counts)
        return MeterInfo(self.name, domains, self.grade, UPDATE_PERIOD_S, detail)

    def channels(self) -> tuple[Channel, ...]:
        """One for each GPU that counts."""
        return tuple(self._channel(gpu) for gpu in self._gpus if gpu.counts)

    def read(self) -> MeterReading:
        """Cumulative joules by GPU; a GPU that cannot be read is left out.

        Raises MeterError where the meter is not open or no GPU could be read.
        """
        if self._pynvml is None:
            raise MeterError("nvml could not be read: the meter is not open")
        time_ns = time.monotonic_ns()
        values: dict[str, float] = {}
        problem: Exception | None = None
        for gpu in self._gpus:
            if not gpu.counts:
                continue
            try:
                millijoules = self._pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu.handle)
                values[gpu.domain] = millijoules / 1e3
            except self._pynvml.NVMLError as error:
                problem = error
        if not values:
            raise MeterError(f"nvml could not read any GPU: {problem}")
        return MeterReading(time_ns=time_ns, values=values)

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy of each GPU, one without a counter included (missing: NO_ENERGY_COUNTER)."""
        return tuple(self._window(gpu, before, after) for gpu in self._gpus)

    def _window(self, gpu: Gpu, before: MeterReading, after: MeterReading) -> EnergyWindow:
        if not gpu.counts:
            detail = f"{gpu.name} has no energy counter"
            lacking = Quantity.missing("J", Reason.NO_ENERGY_COUNTER, detail)
            return window_without_idle(self.name, gpu.domain, lacking, before, after)
        return counted_window([self._channel(gpu)], before, after)

    def _channel(self, gpu: Gpu) -> Channel:
        limit_w = self._limits_w.get(gpu.domain)
        sensor: Sensor | None = None
        if gpu.part_time:
            sensor = uncalibrated(replace(CLASSES["instant-100-25"], max_power_w=limit_w))
        aliasing = ALIASING if gpu.part_time else 1.0
        return counter(
            self.name,
            gpu.domain,
            uncalibrated_counter(UPDATE_PERIOD_S, limit_w, aliasing=aliasing),
            self.grade,
            max_power_w=limit_w,
            part_time=gpu.part_time,
            sensor=sensor,
        )

    def close(self) -> None:
        """Release NVML; ``energy`` still works on readings taken before."""
        if self._pynvml is not None:
            self._pynvml.nvmlShutdown()
            self._pynvml = None
