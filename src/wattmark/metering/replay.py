"""A meter that plays back recorded readings: to recompute an old run, and for tests."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.contracts import Availability, Channel, MeterInfo
from wattmark.errors import MeterError
from wattmark.metrology.counter_windows import counted_window, counter
from wattmark.metrology.counters import Accuracy
from wattmark.quantities import Grade, Reason
from wattmark.records import EnergyWindow, MeterReading


class ReplayMeter:
    """Gives the recorded readings one by one; values are cumulative joules by domain.

    ``read`` raises MeterError when the recording is used up. A domain that one of two readings
    lacks is missing, as is one whose counter went back. ``accuracy`` is that of the instrument
    that was recorded; by default the recording is taken as exact.
    """

    def __init__(
        self,
        readings: Sequence[MeterReading],
        *,
        name: str = "replay",
        grade: Grade = Grade.COUNTED,
        accuracy: Accuracy | None = None,
    ) -> None:
        self.name = name
        self.grade = grade
        self._readings = tuple(readings)
        self._accuracy = accuracy or Accuracy(0.0, 1.0, 1.0)
        self._next = 0

    def probe(self) -> Availability:
        """Available while readings are left."""
        left = len(self._readings) - self._next
        return Availability(left > 0, None if left else Reason.NO_METER, f"{left} readings left")

    def open(self, cores: int) -> MeterInfo:
        """Start the playback from the first reading."""
        self._next = 0
        domains = tuple(dict.fromkeys(key for r in self._readings for key in r.values))
        return MeterInfo(self.name, domains, self.grade, self._accuracy.update_period_s)

    def channels(self) -> tuple[Channel, ...]:
        """One for each domain of the recording."""
        return tuple(map(self._channel, dict.fromkeys(k for r in self._readings for k in r.values)))

    def read(self) -> MeterReading:
        """The next recorded reading. Raises MeterError when there is none."""
        if self._next >= len(self._readings):
            raise MeterError(f"{self.name}: all {len(self._readings)} recorded readings were used")
        self._next += 1
        return self._readings[self._next - 1]

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy by domain between two recorded readings."""
        return tuple(
            counted_window([self._channel(domain)], before, after)
            for domain in dict.fromkeys([*before.values, *after.values])
        )

    def _channel(self, domain: str) -> Channel:
        return counter(self.name, domain, self._accuracy, self.grade)

    def close(self) -> None:
        """Nothing to release."""
