"""``Counted``: a meter made of an instrument that shows one cumulative energy figure."""

from __future__ import annotations

import time

from wattmark.contracts import Availability, Channel, MeterInfo, TraceUnit
from wattmark.contracts.sensor import MIN_UPDATE_PERIODS
from wattmark.errors import MeterError
from wattmark.meters.figure import Figure, availability, named_errors, read_figure
from wattmark.meters.node_settings import NodeSettings
from wattmark.metrology.counters import counted_energy, elapsed_s, window_without_idle
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading


class Counted:
    """A meter whose windows are differences of a source's cumulative energy."""

    def __init__(
        self, name: str, settings: NodeSettings, figure: Figure, quantum_j: float = 0.0
    ) -> None:
        """``quantum_j`` is the step of the figure in J, 0 where it is too fine to matter."""
        self.name = name
        self.grade = settings.grade
        self._domain = settings.domain
        self._accuracy = settings.accuracy()
        self._figure = figure
        self._quantum_j = quantum_j

    def probe(self) -> Availability:
        """Whether it gives a reading now."""
        return availability(self.name, self._figure)

    def open(self, cores: int) -> MeterInfo:
        """Start using it. Raises MeterError where it cannot be read."""
        with named_errors(self.name):
            detail = self._figure.open()
        read_figure(self.name, self._figure)
        period_s = self._accuracy.update_period_s
        return MeterInfo(self.name, (self._domain,), self.grade, period_s, detail)

    def channels(self) -> tuple[Channel, ...]:
        """The one counter of the source."""
        accuracy = self._accuracy
        return (
            Channel(
                meter=self.name,
                key=self._domain,
                domain=self._domain,
                unit=TraceUnit.JOULES,
                grade=self.grade,
                update_period_s=accuracy.update_period_s,
                gain_low=accuracy.gain_low,
                gain_high=accuracy.gain_high,
                quantum_j=self._quantum_j,
            ),
        )

    def read(self) -> MeterReading:
        """Cumulative joules, at the middle of the time that the instrument took to answer.

        Raises MeterError where it cannot be read, or took longer than its update period: then
        nobody knows which moment the figure is of.
        """
        asked_ns = time.monotonic_ns()
        energy_j = read_figure(self.name, self._figure)
        answered_ns = time.monotonic_ns()
        period_s = self._accuracy.update_period_s
        if (took_s := (answered_ns - asked_ns) / 1e9) > period_s:
            raise MeterError(
                f"{self.name} took {took_s:.2g} s to answer, longer than its update period of "
                f"{period_s:g} s, so that its figure cannot be placed in time"
            )
        return MeterReading(time_ns=(asked_ns + answered_ns) // 2, values={self._domain: energy_j})

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """One window; missing where the counter went back, or moved by too few steps."""
        gross = self._gross(before, after)
        return (window_without_idle(self.name, self._domain, gross, before, after),)

    def _gross(self, before: MeterReading, after: MeterReading) -> Quantity:
        domain, quantum_j, accuracy = self._domain, self._quantum_j, self._accuracy
        if domain not in before.values or domain not in after.values:
            detail = f"{self.name} was not read at both ends of the window"
            return Quantity.missing("J", Reason.READ_FAILED, detail)
        first_j, last_j = before.values[domain], after.values[domain]
        if last_j < first_j:
            detail = f"{self.name} went back from {first_j:.6g} to {last_j:.6g} J"
            return Quantity.missing("J", Reason.COUNTER_RESET, detail)
        joules, wall_s = last_j - first_j, elapsed_s(before, after)
        if joules < MIN_UPDATE_PERIODS * quantum_j:
            detail = (
                f"{self.name} moved by {joules:.3g} J, fewer than {MIN_UPDATE_PERIODS} of its "
                f"steps of {quantum_j:.3g} J: measure for longer"
            )
            return Quantity.missing("J", Reason.WINDOW_TOO_SHORT, detail)
        quantity = counted_energy(joules, wall_s, accuracy)
        if not quantity.known:
            return quantity
        low, value, high = quantity.bounds()
        return Quantity.between(
            value,
            low - quantum_j / accuracy.gain_high,
            high + quantum_j / accuracy.gain_low,
            "J",
            grade=self.grade,
        )

    def close(self) -> None:
        """Release the instrument; ``energy`` still works on readings taken before."""
        self._figure.close()
