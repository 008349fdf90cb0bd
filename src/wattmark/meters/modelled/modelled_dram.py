"""Modelled energy of memory, from how much is installed (`wattmark.metrology.dram_power`).

* gross: all memory of the machine, since it draws power whoever uses it;
* idle-allocated: the share that this process and its descendants have resident, of MemTotal;
* idle-subtracted: missing, since the model knows of no power that the work adds.

Gross is of the machine while the processor's model is of a process, so the two must not be added
up without thought: taken only where it is named. In a virtual machine MemTotal is the guest's.
"""

from __future__ import annotations

import platform
import time
from pathlib import Path

from wattmark.contracts import Availability, MeterInfo, Scope
from wattmark.errors import MeterError
from wattmark.machine import process_tree
from wattmark.machine.memory import meminfo_bytes
from wattmark.metrology.counters import elapsed_s
from wattmark.metrology.dram_power import dram_energy, dram_power
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

_GB = 1024**3


def installed_bytes(proc: Path) -> int:
    """MemTotal. Raises MeterError where the system does not say."""
    if (total := meminfo_bytes(proc).get("MemTotal")) is None:
        raise MeterError(f"{proc / 'meminfo'} does not say how much memory there is")
    return total


class ModelledDram:
    """Energy of the machine's memory, and of the share that this process tree holds."""

    name = "modelled-dram"
    grade = Grade.MODELLED

    def __init__(self, proc: Path = Path("/proc"), machine: str | None = None) -> None:
        self._proc = proc
        arm = (machine or platform.machine()).lower().startswith(("arm", "aarch"))
        self._family = "arm" if arm else "x86"
        self._installed_bytes: int | None = None

    def _describe(self, installed: int) -> str:
        low, value, high = dram_power(installed / _GB, self._family).bounds()
        return (
            f"{installed / _GB:.3g} GB of memory: {value:.2g} W [{low:.2g}, {high:.2g}] between "
            "the rules of Green Algorithms and CodeCarbon"
        )

    def probe(self) -> Availability:
        """Whether the system says how much memory there is."""
        try:
            return Availability(True, detail=self._describe(installed_bytes(self._proc)))
        except MeterError as error:
            return Availability(False, Reason.NO_METER, str(error))

    def open(self, cores: int) -> MeterInfo:
        """Look up the installed memory. Raises MeterError where the system does not say."""
        self._installed_bytes = installed = installed_bytes(self._proc)
        period_s = time.get_clock_info("monotonic").resolution
        return MeterInfo(
            self.name,
            ("dram",),
            self.grade,
            period_s,
            self._describe(installed),
            Scope.DEVICE,
            by_name_only=True,
        )

    def read(self) -> MeterReading:
        """Raw ``resident_bytes`` of the process tree (no joules)."""
        time_ns = time.monotonic_ns()
        return MeterReading(
            time_ns=time_ns,
            values={"resident_bytes": float(process_tree.resident_bytes())},
        )

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """One window of domain ``dram``. Raises MeterError where the meter was never opened."""
        if self._installed_bytes is None:
            raise MeterError("modelled-dram is not open: it needs the size of the memory")
        total = self._installed_bytes
        first, last = (min(1.0, r.values["resident_bytes"] / total) for r in (before, after))
        gross, allocated = dram_energy(
            elapsed_s(before, after), total / _GB, (first, last), self._family
        )
        detail = "the model of memory knows of no power that depends on the work"
        return (
            EnergyWindow(
                meter=self.name,
                domain="dram",
                gross=gross,
                idle_subtracted=Quantity.missing("J", Reason.NOT_SUPPORTED, detail),
                idle_allocated=allocated,
                before=before,
                after=after,
            ),
        )

    def close(self) -> None:
        """Nothing to release."""
