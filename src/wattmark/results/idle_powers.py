"""The power at idle that belongs to a run, from what was measured before and after its rounds."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.metrology.idle import reserved_share, with_idle
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow, IdleRecord


class IdlePowers:
    """Mean power of each domain over all idle times of a run; the interval holds them all."""

    def __init__(self, records: Sequence[IdleRecord]) -> None:
        self._records = tuple(records)

    def power(self, meter: str, domain: str) -> Quantity:
        """Watts at idle; missing (IDLE_NOT_MEASURED) where no idle time has a figure."""
        said = [record.of(meter, domain) for record in self._records]
        known = [power.bounds() for power in said if power.known]
        if not known:
            detail = next((power.detail for power in said if power.detail), "")
            return Quantity.missing("W", Reason.IDLE_NOT_MEASURED, detail)
        lows, values, highs = zip(*known, strict=True)
        first = next(power for power in said if power.known)
        mean_w = sum(values) / len(values)  # which rounding may put beyond all of them
        return Quantity.between(
            min(max(mean_w, min(lows)), max(highs)),
            min(lows),
            max(highs),
            "W",
            level=first.level or 0.95,
            grade=first.grade,
        )

    def applied(self, window: EnergyWindow) -> EnergyWindow:
        """The window with its idle-subtracted and idle-allocated energy, where these are known."""
        if not self._records:
            return window
        first = self._records[0]
        share = reserved_share(window.domain, first.reserved_cores, first.machine_cores)
        return with_idle(window, self.power(window.meter, window.domain), share)
