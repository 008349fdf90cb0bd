"""What devices draw while nothing is asked of them."""

from __future__ import annotations

import time

from wattmark.quantities import Quantity, Reason
from wattmark.records.base import Record


class IdlePower(Record):
    """What one meter says of one domain at idle, in W."""

    meter: str
    domain: str
    power: Quantity


class IdleRecord(Record):
    """Mean power at idle by meter and domain.

    ``measured_at`` is Unix time in s, ``seconds`` how long was measured. The process that measured
    may run on ``reserved_cores`` of the ``machine_cores``.
    """

    machine: str
    measured_at: float
    seconds: float
    power: tuple[IdlePower, ...]
    reserved_cores: int = 1
    machine_cores: int = 1

    def of(self, meter: str, domain: str) -> Quantity:
        """Mean watts of that domain; missing (IDLE_NOT_MEASURED) where it is not there."""
        for found in self.power:
            if (found.meter, found.domain) == (meter, domain):
                return found.power
        detail = f"the idle time that was measured holds no {domain} of {meter}"
        return Quantity.missing("W", Reason.IDLE_NOT_MEASURED, detail)

    @property
    def age_s(self) -> float:
        """Seconds since it was measured; below 0 where the clock was set back since."""
        return time.time() - self.measured_at
