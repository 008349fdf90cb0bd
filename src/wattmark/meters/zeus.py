"""AMD GPUs, Apple silicon and NVIDIA Jetson, through the device classes of the package `zeus`.

All give cumulative millijoules. A GPU is the domain ``gpu:N`` with N as HIP counts it; a chip gives
``cpu``, ``dram`` and ``gpu:0`` as far as it tells them apart, a Jetson also its supply (``node``).
An Apple chip's neural engine has no domain and is left out, as is the memory of its GPU.

Accuracy: no source bounds it, so that the gains below are judgements. AMD: what is taken of an
NVIDIA card that nobody has compared with a meter (see ``nvml``). Apple: its own tool `powermetrics`
warns that the figures are estimates, not for comparing devices. Jetson: shunt monitors on the
supply rails, polled by a process of zeus every 100 ms. Update periods: 100 ms, zeus's for a Jetson;
the others are not documented, and this is longer than what is seen of them.

`zeus` is imported only where there are signs of such hardware, since the import takes a third of
a second in every worker.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from wattmark.contracts import Availability, Channel, MeterInfo
from wattmark.errors import MeterError
from wattmark.metrology.counter_windows import counted_window, counter
from wattmark.metrology.counters import Accuracy, window_without_idle
from wattmark.metrology.sensor_classes import uncalibrated_counter
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

UPDATE_PERIOD_S = 0.1
AMD = uncalibrated_counter(UPDATE_PERIOD_S)
APPLE = Accuracy(UPDATE_PERIOD_S, gain_low=0.75, gain_high=1.25)
JETSON = Accuracy(UPDATE_PERIOD_S, gain_low=0.95, gain_high=1.05)

#: field of zeus's measurement -> our domain
APPLE_FIELDS = {"cpu_total_mj": "cpu", "dram_mj": "dram", "gpu_mj": "gpu:0"}
JETSON_FIELDS = {"cpu_energy_mj": "cpu", "gpu_energy_mj": "gpu:0", "total_energy_mj": "node"}

#: What these drivers and systems leave where they are.
AMD_SIGN = Path("/dev/kfd")
JETSON_SIGNS = (Path("/etc/nv_tegra_release"), Path("/usr/lib/aarch64-linux-gnu/tegra"))

INSTALL = "pip install 'wattmark[zeus]'"


@dataclass(frozen=True)
class Device:
    """A GPU or chip: its domains, and how to read their cumulative joules.

    ``read_j`` is None for a device without a counter; it raises what zeus raises.
    """

    name: str
    domains: tuple[str, ...]
    accuracy: Accuracy
    read_j: Callable[[], dict[str, float]] | None


def signs() -> tuple[str, ...]:
    """What speaks for hardware that zeus can read, without importing anything."""
    found = []
    if AMD_SIGN.exists():
        found.append("AMD GPU")
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found.append("Apple silicon")
    if any(sign.exists() for sign in JETSON_SIGNS):
        found.append("Jetson")
    return tuple(found)


#: What the libraries below zeus let through besides zeus's own errors.
_LIBRARY_ERRORS = (OSError, RuntimeError, ValueError, KeyError, AttributeError, TypeError, Empty)


def find_devices(found: tuple[str, ...]) -> list[Device]:
    """The devices that there are signs of, with a counter or without.

    Raises MeterError where zeus is not installed or reaches none of them.
    """
    try:
        from zeus.exception import ZeusBaseError
    except ImportError as error:
        raise MeterError(f"{' and '.join(found)} found, but {error}: {INSTALL}") from None
    devices: list[Device] = []
    problems = []
    for sign in found:
        try:
            devices += amd_gpus() if sign == "AMD GPU" else [chip()]
        except (ZeusBaseError, *_LIBRARY_ERRORS) as error:
            problems.append(f"{sign}: {error or type(error).__name__}")
    if not devices:
        raise MeterError(f"zeus reaches no device: {'; '.join(problems)}")
    return devices


def amd_gpus() -> list[Device]:
    """The AMD GPUs. Raises what zeus raises."""
    from zeus.device.gpu import amd

    if not amd.amdsmi_is_available():
        raise OSError("the library libamd_smi cannot be used: is ROCm installed (ROCM_PATH)?")
    return [_amd_gpu(gpu) for gpu in amd.AMDGPUs().gpus]


def _amd_gpu(gpu: Any) -> Device:
    domain = f"gpu:{gpu.gpu_index}"

    def read_j() -> dict[str, float]:
        return {domain: gpu.get_total_energy_consumption() / 1e3}

    counts = gpu.supports_get_total_energy_consumption()
    return Device(gpu.get_name(), (domain,), AMD, read_j if counts else None)


def chip() -> Device:
    """The Apple or Jetson chip of this machine. Raises what zeus raises."""
    from zeus.device.soc import get_soc

    soc = get_soc()
    apple = hasattr(soc.get_total_energy_consumption(), "cpu_total_mj")
    fields = APPLE_FIELDS if apple else JETSON_FIELDS

    def read_j() -> dict[str, float]:
        sample = soc.get_total_energy_consumption()
        found = {domain: getattr(sample, field) for field, domain in fields.items()}
        return {domain: value / 1e3 for domain, value in found.items() if value is not None}

    return Device(type(soc).__name__, tuple(read_j()), APPLE if apple else JETSON, read_j)


class Zeus:
    """Energy counters of the devices that zeus knows and the other meters do not."""

    name = "zeus"
    grade = Grade.COUNTED

    def __init__(self) -> None:
        self._devices: list[Device] = []

    def probe(self) -> Availability:
        """Whether there is such a device with a counter."""
        if not (found := signs()):
            detail = f"no AMD GPU (no /dev/kfd), Apple silicon or Jetson here; for these, {INSTALL}"
            return Availability(False, Reason.NO_METER, detail)
        try:
            devices = find_devices(found)
        except MeterError as error:
            return Availability(False, Reason.NO_METER, str(error))
        if not any(device.read_j for device in devices):
            detail = f"no energy counter: {_listed(devices)}"
            return Availability(False, Reason.NO_ENERGY_COUNTER, detail)
        try:
            _read(devices)
        except MeterError as error:
            return Availability(False, Reason.READ_FAILED, str(error))
        return Availability(True, detail=_listed(devices))

    def open(self, cores: int) -> MeterInfo:
        """Start using the devices. Raises MeterError where none can be read."""
        devices = find_devices(signs())
        _read(devices)
        self._devices = devices
        domains = tuple(domain for device in devices if device.read_j for domain in device.domains)
        return MeterInfo(self.name, domains, self.grade, UPDATE_PERIOD_S, _listed(devices))

    def channels(self) -> tuple[Channel, ...]:
        """One for each domain that counts."""
        return tuple(
            counter(self.name, domain, device.accuracy, self.grade)
            for device in self._devices
            if device.read_j is not None
            for domain in device.domains
        )

    def read(self) -> MeterReading:
        """Cumulative joules by domain; what cannot be read is left out.

        Raises MeterError where the meter is not open or nothing could be read.
        """
        if not self._devices:
            raise MeterError("zeus could not be read: the meter is not open")
        time_ns = time.monotonic_ns()
        return MeterReading(time_ns=time_ns, values=_read(self._devices))

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy of each domain, that of a device without a counter included, as missing."""
        return tuple(
            self._window(device, domain, before, after)
            for device in self._devices
            for domain in device.domains
        )

    def _window(
        self, device: Device, domain: str, before: MeterReading, after: MeterReading
    ) -> EnergyWindow:
        if device.read_j is None:
            detail = f"{device.name} has no energy counter that zeus trusts"
            lacking = Quantity.missing("J", Reason.NO_ENERGY_COUNTER, detail)
            return window_without_idle(self.name, domain, lacking, before, after)
        channel = counter(self.name, domain, device.accuracy, self.grade)
        return counted_window([channel], before, after)

    def close(self) -> None:
        """Nothing to release: zeus keeps its devices until the process ends."""


def _read(devices: list[Device]) -> dict[str, float]:
    """Joules by domain, of what can be read. Raises MeterError where nothing can."""
    from zeus.exception import ZeusBaseError

    values: dict[str, float] = {}
    problem: Exception | str = "no energy counter"
    for device in devices:
        try:
            values |= device.read_j() if device.read_j is not None else {}
        except (ZeusBaseError, *_LIBRARY_ERRORS) as error:
            problem = error
    if not values:
        raise MeterError(f"zeus could not read any device: {problem or type(problem).__name__}")
    return values


def _listed(devices: list[Device]) -> str:
    return ", ".join(f"{', '.join(device.domains)} = {device.name}" for device in devices)
