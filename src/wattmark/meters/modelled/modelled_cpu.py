"""Modelled CPU energy of a process and all that descends from it, from CPU accounting.

The formula and its interval: `wattmark.metrology.cpu_power`. Whose CPU time is counted:
`wattmark.machine.process_tree`. Where the watts come from: `wattmark.meters.modelled.cpu_model`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from wattmark.contracts import Availability, Channel, MeterInfo, Scope
from wattmark.errors import MeterError
from wattmark.machine import process_tree
from wattmark.meters.modelled.cpu_model import ChosenModel, choose_power_model
from wattmark.metrology.cpu_power import PowerModel
from wattmark.metrology.cpu_windows import cpu_channel, cpu_reading, cpu_window
from wattmark.quantities import Grade
from wattmark.records import EnergyWindow, MeterReading


class ModelledCpu:
    """CPU energy of the process that reads it, its threads and its descendants.

    With ``roots``, of these processes and theirs instead. Without a model, the best that is known
    of this machine is taken (``choose_power_model``).
    """

    name = "modelled-cpu"
    grade = Grade.MODELLED

    def __init__(self, model: PowerModel | None = None, roots: Sequence[int] = ()) -> None:
        self._roots = tuple(roots)
        self._chosen = None if model is None else ChosenModel(model, "given by the caller")
        self._cores: int | None = None

    @property
    def model(self) -> PowerModel:
        """The watts that it reckons with."""
        return self._choice().model

    def _choice(self) -> ChosenModel:
        if self._chosen is None:
            self._chosen = choose_power_model()
        return self._chosen

    def probe(self) -> Availability:
        """Always available: the system counts the CPU time of every process."""
        return Availability(True, detail=self._choice().describe())

    def open(self, cores: int) -> MeterInfo:
        """Remember the number of cores whose idle power is attributed to this process."""
        if cores < 1:
            raise MeterError(f"modelled-cpu needs at least one core, not {cores}")
        self._cores = _usable_cores(self._roots[0], cores) if self._roots else cores
        period_s = time.get_clock_info("process_time").resolution
        detail = self._choice().describe()
        return MeterInfo(self.name, ("cpu",), self.grade, period_s, detail, Scope.PROCESS)

    def channels(self) -> tuple[Channel, ...]:
        """CPU seconds and the model that they are reckoned with."""
        return (cpu_channel(self.name, self._opened(), self.model),)

    def read(self) -> MeterReading:
        """Raw ``cpu_s`` of the process tree and ``wall_s`` of the monotonic clock (no joules).

        Raises MeterError where one of the roots has ended.
        """
        time_ns = time.monotonic_ns()
        if not self._roots:
            return cpu_reading(time_ns, process_tree.cpu_s())
        try:
            return cpu_reading(time_ns, process_tree.tree_cpu_s(self._roots))
        except ProcessLookupError as error:
            raise MeterError(f"{self.name} could not be read: {error}") from error

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """One window of domain ``cpu``. Raises MeterError where the meter was never opened."""
        return (cpu_window(self.name, before, after, self._opened(), self.model),)

    def _opened(self) -> int:
        if self._cores is None:
            raise MeterError(f"{self.name} is not open: it needs the number of pinned cores")
        return self._cores

    def close(self) -> None:
        """Nothing to release."""


def _usable_cores(pid: int, otherwise: int) -> int:
    """Cores that a process may run on."""
    try:
        return len(os.sched_getaffinity(pid))
    except (OSError, AttributeError):  # another user's, or a system without
        return otherwise
