"""``Counted``: a meter made of an instrument that shows one cumulative energy figure."""

from __future__ import annotations

import time

from wattmark.contracts import Availability, Channel, MeterInfo, Timed
from wattmark.errors import MeterError
from wattmark.meters.node.figure import Figure, availability, named_errors, read_figure
from wattmark.meters.node.node_settings import NodeSettings
from wattmark.metrology.counter_windows import counted_window, counter
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
        self._max_power_w = settings.max_power_w
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
        return (
            counter(
                self.name,
                self._domain,
                self._accuracy,
                self.grade,
                quantum_j=self._quantum_j,
                max_power_w=self._max_power_w,
            ),
        )

    def read(self) -> MeterReading:
        """Cumulative joules at the figure's own time, else at the middle of the time that the
        instrument took to answer.

        Raises MeterError where it cannot be read, or took longer than its update period: then
        nobody knows which moment the figure is of.
        """
        asked_ns = time.monotonic_ns()
        shown = read_figure(self.name, self._figure)
        if isinstance(shown, Timed):
            if (ahead_s := (shown.time_ns - time.monotonic_ns()) / 1e9) > 0:
                raise MeterError(f"{self.name} gave a figure of a time {ahead_s:.3g} s from now")
            return MeterReading(time_ns=shown.time_ns, values={self._domain: shown.value})
        answered_ns = time.monotonic_ns()
        period_s = self._accuracy.update_period_s
        if (took_s := (answered_ns - asked_ns) / 1e9) > period_s:
            raise MeterError(
                f"{self.name} took {took_s:.2g} s to answer, longer than its update period of "
                f"{period_s:g} s, so that its figure cannot be placed in time"
            )
        return MeterReading(time_ns=(asked_ns + answered_ns) // 2, values={self._domain: shown})

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """One window; missing where the counter went back, or moved by too few steps."""
        return (counted_window(self.channels(), before, after),)

    def close(self) -> None:
        """Release the instrument; ``energy`` still works on readings taken before."""
        self._figure.close()
