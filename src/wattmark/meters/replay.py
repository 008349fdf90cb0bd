"""A meter that plays back recorded readings: to recompute an old run, and for tests."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.contracts import Availability, Channel, MeterInfo, TraceUnit
from wattmark.errors import MeterError
from wattmark.metrology.counters import Accuracy, counted_energy, elapsed_s, window_without_idle
from wattmark.quantities import Grade, Quantity, Reason
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
        return tuple(
            Channel(
                meter=self.name,
                key=domain,
                domain=domain,
                unit=TraceUnit.JOULES,
                grade=self.grade,
                update_period_s=self._accuracy.update_period_s,
                gain_low=self._accuracy.gain_low,
                gain_high=self._accuracy.gain_high,
            )
            for domain in dict.fromkeys(key for r in self._readings for key in r.values)
        )

    def read(self) -> MeterReading:
        """The next recorded reading. Raises MeterError when there is none."""
        if self._next >= len(self._readings):
            raise MeterError(f"{self.name}: all {len(self._readings)} recorded readings were used")
        self._next += 1
        return self._readings[self._next - 1]

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy by domain between two recorded readings."""
        wall_s = elapsed_s(before, after)
        return tuple(
            window_without_idle(
                self.name, domain, self._gross(domain, before, after, wall_s), before, after
            )
            for domain in dict.fromkeys([*before.values, *after.values])
        )

    def _gross(
        self, domain: str, before: MeterReading, after: MeterReading, wall_s: float
    ) -> Quantity:
        if domain not in before.values or domain not in after.values:
            return Quantity.missing("J", Reason.READ_FAILED, f"{domain} lacks a reading")
        joules = after.values[domain] - before.values[domain]
        if joules < 0:
            return Quantity.missing("J", Reason.COUNTER_RESET, f"{domain} went back by {-joules} J")
        quantity = counted_energy(joules, wall_s, self._accuracy)
        return quantity.model_copy(update={"grade": self.grade}) if quantity.known else quantity

    def close(self) -> None:
        """Nothing to release."""
