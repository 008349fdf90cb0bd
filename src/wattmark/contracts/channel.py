"""What a recording must say of a meter's raw values, so that they can be judged anywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, runtime_checkable

from wattmark.contracts.sensor import Sensor
from wattmark.quantities import Grade, Quantity
from wattmark.records.base import Record


class TraceUnit(StrEnum):
    """What the values of a channel are."""

    JOULES = "J"
    """Cumulative joules of a counter."""
    WATTS = "W"
    """Power as a sensor shows it."""
    CPU_SECONDS = "cpu_s"
    """Cumulative CPU seconds, for a power model."""


class CpuModel(Record):
    """The parameters of a power model, as in :mod:`wattmark.metrology.cpu_power`."""

    busy_w: Quantity
    idle_share: Quantity
    program_spread: float
    cores: int


class Channel(Record):
    """One raw value of a meter's readings, ``key``; channels of one ``domain`` are its parts.

    ``span_j`` is where a counter of joules wraps, if it does within a life; then ``max_power_w``
    says how fast. A counter adds up gain x truth + offset: ``gain_low`` and ``gain_high`` bound
    its gain, ``offset_low_w`` and ``offset_high_w`` its offset; ``quantum_j`` is its step;
    ``part_time`` says that it adds up what a sensor saw that does not always look.
    ``package`` is the socket that a counter is of: those of one that show the same are one
    counter. ``sensor`` describes that sensor, and one that gives watts; ``model`` turns CPU
    seconds into joules.
    """

    meter: str
    key: str
    domain: str
    unit: TraceUnit
    grade: Grade
    update_period_s: float = 0.0
    gain_low: float = 1.0
    gain_high: float = 1.0
    offset_low_w: float = 0.0
    offset_high_w: float = 0.0
    quantum_j: float = 0.0
    part_time: bool = False
    span_j: float | None = None
    max_power_w: float | None = None
    package: str | None = None
    sensor: Sensor | None = None
    model: CpuModel | None = None


@runtime_checkable
class Recordable(Protocol):
    """A meter whose raw readings can be recorded and judged later."""

    def channels(self) -> tuple[Channel, ...]:
        """What each raw value of a reading is. Called while the meter is open."""
        ...
