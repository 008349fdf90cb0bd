"""What a meter must offer: cumulative joules of its domains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wattmark.contracts.availability import Availability
from wattmark.quantities import Grade
from wattmark.records import EnergyWindow, MeterReading


class Scope(StrEnum):
    """Whose energy an instrument sees."""

    DEVICE = "device"
    """All that the hardware used, whoever asked for it."""
    PROCESS = "process"
    """What the measuring process and its children used."""


@dataclass(frozen=True)
class MeterInfo:
    """What an instrument covers and how fast it is.

    ``domains`` are ``gpu:N``, ``cpu``, ``dram`` or ``node``. One that is ``by_name_only`` is never
    chosen for its domain, since what it sees is not comparable with what others see of it.
    """

    name: str
    domains: tuple[str, ...]
    grade: Grade
    update_period_s: float
    detail: str = ""
    scope: Scope = Scope.DEVICE
    by_name_only: bool = False


class Meter(Protocol):
    """An instrument: reads cumulative joules of one or more domains.

    Constructed without arguments. ``probe`` must not raise; ``read`` raises MeterError.
    A meter of grade ``modelled`` covers the process that reads it.
    """

    name: str
    grade: Grade

    def probe(self) -> Availability:
        """Whether it can be used here."""
        ...

    def open(self, cores: int) -> MeterInfo:
        """Start using it; ``cores`` is the number of cores that the worker is pinned to."""
        ...

    def read(self) -> MeterReading:
        """Raw cumulative values now."""
        ...

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy between two readings, one entry per domain; missing with a reason, never 0."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...
