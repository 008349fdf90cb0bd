"""NVML's power readings: for NVIDIA GPUs without an energy counter, or to see their power.

What a reading is depends on the generation (see :mod:`wattmark.metrology.sensor_classes`). Ampere
and newer show a mean over a second by ``nvmlDeviceGetPowerUsage`` and the present power by the
field NVML_FI_DEV_POWER_INSTANT (NVIDIA, "NVML API Reference Guide"); the field is read where there
is one. A generation that is not known is taken for the least favourable class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wattmark.contracts import Availability, Sensor
from wattmark.errors import MeterError
from wattmark.meters.nvml import PART_TIME_NAME, Gpu, asked, find_gpus, power_limit_w, session
from wattmark.meters.polling import Polled
from wattmark.metrology.sensor_classes import CLASSES, uncalibrated
from wattmark.quantities import Grade, Reason

#: NVML's number of a generation (nvml.h, NVML_DEVICE_ARCH_*) -> class of its sensor.
CLASS_OF_GENERATION = {
    2: "lagging-100",  # Kepler
    3: "lagging-100",  # Maxwell
    4: "instant-20-10",  # Pascal
    5: "instant-20-10",  # Volta
    6: "instant-100-100",  # Turing
    7: "instant-100-100",  # Ampere
    8: "instant-100-100",  # Ada
}
#: From this generation on the plain reading is a mean over a second.
FIRST_AVERAGING_GENERATION = 7
LEAST_FAVOURABLE = "instant-100-20"

#: Cards whose class is not that of their generation, by a word of their name (a Quadro K2000 is no
#: Tesla K20). Whether a K20 or K40 lags, its trace tells (:mod:`wattmark.metrology.lag`).
CLASS_OF_CARD = {
    re.compile(r"\bRTX 8000\b"): "instant-100-20",
    re.compile(r"\bK[24]0[A-Za-z]*\b"): "lagging-15",
}

#: Figures are in milliwatts; the sensors' own steps are not published.
QUANTUM_W = 1e-3

#: NVML_FI_DEV_POWER_INSTANT (nvml.h).
POWER_INSTANT_FIELD = 186


def sensor_class(name: str, generation: int | None, instant: bool) -> str:
    """The class of a card's sensor; ``instant`` says whether it has the field of that name."""
    if PART_TIME_NAME.search(name):
        return "instant-100-25"
    for pattern, found in CLASS_OF_CARD.items():
        if pattern.search(name):
            return found
    if generation is not None and generation >= FIRST_AVERAGING_GENERATION and not instant:
        return "average-100-1000"
    return CLASS_OF_GENERATION.get(generation or 0, LEAST_FAVOURABLE)


class NvmlPower:
    """Present power of all NVIDIA GPUs of the machine, whoever uses them."""

    name = "nvml-power"
    grade = Grade.COUNTED

    def __init__(self) -> None:
        self._pynvml: Any = None
        self._gpus: list[Gpu] = []
        self._instant: set[str] = set()

    def probe(self) -> Availability:
        """Whether there is a GPU that shows its power."""
        try:
            with session() as pynvml:
                gpus = find_gpus(pynvml)
                shown = [gpu for gpu in gpus if _power_w(pynvml, gpu.handle) is not None]
        except MeterError as error:
            return Availability(False, Reason.NO_METER, str(error))
        if not shown:
            names = ", ".join(gpu.name for gpu in gpus)
            detail = f"these do not show their power: {names}" if names else "NVML sees no GPU"
            return Availability(False, Reason.NO_METER, detail)
        return Availability(True, detail=", ".join(f"{g.domain} = {g.name}" for g in shown))

    def open(self) -> Mapping[str, Sensor]:
        """Start NVML for this process. Raises MeterError where probe says unavailable."""
        if not (available := self.probe()).available:
            raise MeterError(f"nvml-power cannot be used: {available.detail}")
        import pynvml

        pynvml.nvmlInit()
        self._pynvml = pynvml
        self._gpus = [g for g in find_gpus(pynvml) if _power_w(pynvml, g.handle) is not None]
        self._instant = {g.domain for g in self._gpus if _instant_w(pynvml, g.handle) is not None}
        return {gpu.domain: self._sensor(gpu) for gpu in self._gpus}

    def _sensor(self, gpu: Gpu) -> Sensor:
        generation = asked(self._pynvml, "nvmlDeviceGetArchitecture", gpu.handle)
        found = sensor_class(gpu.name, generation, gpu.domain in self._instant)
        limit_w = power_limit_w(self._pynvml, gpu.handle)
        return uncalibrated(replace(CLASSES[found], quantum_w=QUANTUM_W, max_power_w=limit_w))

    def power_w(self) -> Mapping[str, float]:
        """Watts by GPU; one that cannot be read is left out. Raises MeterError where none can."""
        found = {}
        for gpu in self._gpus:
            ask = _instant_w if gpu.domain in self._instant else _power_w
            if (power_w := ask(self._pynvml, gpu.handle)) is not None:
                found[gpu.domain] = power_w
        if not found:
            raise MeterError("nvml-power could not read any GPU")
        return found

    def close(self) -> None:
        """Release NVML."""
        if self._pynvml is not None:
            self._pynvml.nvmlShutdown()
            self._pynvml = None


def meter() -> Polled:
    """The meter: NVML's power, polled."""
    return Polled(NvmlPower())


def _power_w(pynvml: Any, handle: Any) -> float | None:
    milliwatts = asked(pynvml, "nvmlDeviceGetPowerUsage", handle)
    return None if milliwatts is None else milliwatts / 1e3


def _instant_w(pynvml: Any, handle: Any) -> float | None:
    try:
        (value,) = pynvml.nvmlDeviceGetFieldValues(handle, [POWER_INSTANT_FIELD])
    except (pynvml.NVMLError, AttributeError):
        return None
    return None if value.nvmlReturn != 0 else value.value.uiVal / 1e3
