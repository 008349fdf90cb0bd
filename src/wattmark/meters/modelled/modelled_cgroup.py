"""Modelled CPU energy of the container (control group) that this process runs in.

As `wattmark.meters.modelled.modelled_cpu`, but for all processes of the group, whoever started
them. Taken only where it is named, since it sees more than the work that is measured.
"""

from __future__ import annotations

import time
from pathlib import Path

from wattmark.contracts import Availability, Channel, MeterInfo, Scope
from wattmark.errors import MeterError
from wattmark.machine.cgroup import CpuAccount, find_cpu_account
from wattmark.meters.modelled.cpu_model import ChosenModel, choose_power_model
from wattmark.metrology.cpu_power import PowerModel
from wattmark.metrology.cpu_windows import cpu_channel, cpu_reading, cpu_window
from wattmark.quantities import Grade, Reason
from wattmark.records import EnergyWindow, MeterReading

#: Version 1 counts nanoseconds, version 2 microseconds; both are brought up to date at each tick
#: or switch of the scheduler.
UPDATE_PERIOD_S = 0.001


class ModelledCgroup:
    """CPU energy of all processes in this process's control group."""

    name = "modelled-cgroup"
    grade = Grade.MODELLED

    def __init__(self, model: PowerModel | None = None, proc: Path = Path("/proc")) -> None:
        self._chosen = None if model is None else ChosenModel(model, "given by the caller")
        self._proc = proc
        self._account: CpuAccount | None = None
        self._cores: int | None = None

    def _choice(self) -> ChosenModel:
        if self._chosen is None:
            self._chosen = choose_power_model()
        return self._chosen

    def probe(self) -> Availability:
        """Whether the kernel keeps the CPU time of this process's group."""
        try:
            account = find_cpu_account(self._proc)
            account.cpu_s()
        except MeterError as error:
            return Availability(False, Reason.NO_METER, str(error))
        return Availability(True, detail=f"{account.describe()}; {self._choice().describe()}")

    def open(self, cores: int) -> MeterInfo:
        """Find the group; ``cores`` is the number of cores whose idle power is its own.

        Raises MeterError where there is no group or no core.
        """
        if cores < 1:
            raise MeterError(f"modelled-cgroup needs at least one core, not {cores}")
        self._account, self._cores = find_cpu_account(self._proc), cores
        detail = f"{self._account.describe()}; {self._choice().describe()}"
        return MeterInfo(
            self.name,
            ("cpu",),
            self.grade,
            UPDATE_PERIOD_S,
            detail,
            Scope.PROCESS,
            by_name_only=True,
        )

    def read(self) -> MeterReading:
        """Raw ``cpu_s`` of the group. Raises MeterError where it is not open or has gone."""
        if self._account is None:
            raise MeterError("modelled-cgroup could not be read: the meter is not open")
        return cpu_reading(time.monotonic_ns(), self._account.cpu_s())

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """One window of domain ``cpu``. Raises MeterError where the meter was never opened."""
        return (cpu_window(self.name, before, after, self._opened(), self._choice().model),)

    def channels(self) -> tuple[Channel, ...]:
        """What its raw value is, for a recording. Raises MeterError where it is not open."""
        return (cpu_channel(self.name, self._opened(), self._choice().model),)

    def _opened(self) -> int:
        if self._cores is None:
            raise MeterError("modelled-cgroup is not open: it needs the number of pinned cores")
        return self._cores

    def close(self) -> None:
        """Nothing to release; ``energy`` still works on readings taken before."""
        self._account = None
