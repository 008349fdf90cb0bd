"""NVML with cards that draw as many watts as the test says, on a clock that the test moves."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest


class NVMLError(Exception):
    pass


@dataclass
class SimulatedCard:
    """A card of so many watts.

    ``processes`` None: NVML cannot list them; ``slices`` None: it is whole.
    """

    watts: float
    uuid: str
    name: str = "NVIDIA L4"
    processes: Collection[int] | None = None
    slices: tuple[str, ...] | None = None


@dataclass
class SimulatedNvml:
    """``clock_s`` is the time that counters and readings go by."""

    cards: list[SimulatedCard]
    clock_s: float = 1000.0
    sessions: int = field(default=0)

    def work(self, seconds: float) -> None:
        self.clock_s += seconds

    def module(self) -> SimpleNamespace:
        def running(handle: Any) -> list[SimpleNamespace]:
            if handle.processes is None:
                raise NVMLError("Not Supported")
            return [SimpleNamespace(pid=pid) for pid in handle.processes]

        def mode(handle: Any) -> list[int]:
            if handle.slices is None:
                raise NVMLError("Not Supported")
            return [1, 1]

        def part(handle: Any, number: int) -> SimpleNamespace:
            if number >= len(handle.slices):
                raise NVMLError("Not Found")
            return SimpleNamespace(uuid=handle.slices[number])

        def count(step: int) -> None:
            self.sessions += step

        return SimpleNamespace(
            NVMLError=NVMLError,
            nvmlInit=lambda: count(1),
            nvmlShutdown=lambda: count(-1),
            nvmlDeviceGetCount=lambda: len(self.cards),
            nvmlDeviceGetHandleByIndex=lambda index: self.cards[index],
            nvmlDeviceGetName=lambda handle: handle.name,
            nvmlDeviceGetUUID=lambda handle: handle.uuid,
            nvmlDeviceGetTotalEnergyConsumption=lambda card: int(1e3 * card.watts * self.clock_s),
            nvmlDeviceGetComputeRunningProcesses=running,
            nvmlDeviceGetMigMode=mode,
            nvmlDeviceGetMaxMigDeviceCount=lambda handle: 7,
            nvmlDeviceGetMigDeviceHandleByIndex=part,
        )

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it in the place of NVML, and of the clock of its readings."""
        monkeypatch.setitem(sys.modules, "pynvml", self.module())
        clock = SimpleNamespace(monotonic_ns=lambda: round(1e9 * self.clock_s))
        monkeypatch.setattr("wattmark.meters.nvml.time", clock)


def eight_cards() -> SimulatedNvml:
    """Cards of 50, 100 ... 400 W; card N has the UUID ``GPU-NNNNNNNN-0000``."""
    return SimulatedNvml(
        [SimulatedCard(50.0 * (n + 1), f"GPU-{str(n) * 8}-0000", processes=()) for n in range(8)]
    )
