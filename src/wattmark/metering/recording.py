"""A recording of meters while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from wattmark.errors import MeterError
from wattmark.metering.live import ticks
from wattmark.metering.readings import Readings
from wattmark.metering.trace_files import TraceWriter, channels


class Recording:
    """Meters (as in ``selection.choose``) that are written to a trace file every ``period_s``.

    ``left_out`` says which of the best meters cannot be recorded, and why. Raises UnknownNameError
    and MeterError: a meter that was named cannot be recorded, none can, or the file cannot be
    written or is there already.
    """

    def __init__(self, path: Path, meters: Sequence[str], period_s: float) -> None:
        self._period_s = period_s
        self.samples = self.failed = 0
        self.left_out: list[str] = []
        self._opened = Readings.shared(meters)
        try:
            described = {}
            for opened in self._opened.meters:
                try:
                    described[opened] = channels(opened.meter)
                except MeterError as error:
                    if meters:
                        raise
                    self.left_out.append(str(error))
            if not described:
                raise MeterError("; ".join(self.left_out) or "no meter can be used here")
            self._recorded = Readings(tuple(described))
            every = [channel for found in described.values() for channel in found]
            self._writer = TraceWriter(path, every, period_s)
        except BaseException:
            self._opened.close()
            raise

    @property
    def meters(self) -> tuple[str, ...]:
        """Names of the meters that are recorded."""
        return self._recorded.names

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._writer.close()
        finally:
            self._opened.close()

    def run(self, seconds: float | None = None) -> None:
        """Record for that long, or until interrupted. Raises MeterError if the file fails."""
        for _ in ticks(self._period_s, seconds):
            for name, reading in zip(self.meters, self._recorded.read(), strict=True):
                read = self._writer.write(name, reading)
                self.samples += 1
                self.failed += not read
