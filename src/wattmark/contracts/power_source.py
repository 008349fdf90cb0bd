"""What an instrument that only gives watts must offer; polling makes a meter of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from wattmark.contracts.availability import Availability
from wattmark.contracts.sensor import Sensor
from wattmark.quantities import Grade


@dataclass(frozen=True)
class Timed:
    """A figure that an instrument showed at a time of its own (monotonic clock, ns), not now."""

    value: float
    time_ns: int


class PowerSource(Protocol):
    """Gives the present power of one or more domains (``wattmark.meters.polling.Polled``)."""

    name: str
    grade: Grade

    def probe(self) -> Availability:
        """Whether it can be used here. Must not raise."""
        ...

    def open(self) -> Mapping[str, Sensor]:
        """Start using it; its domains, each with its sensor. Raises MeterError."""
        ...

    def power_w(self) -> Mapping[str, float | Timed]:
        """Watts by domain, as shown now or Timed; what cannot be read is left out.

        Raises MeterError where nothing can be read.
        """
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...
