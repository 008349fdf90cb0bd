"""Modelled energy at the wall of the share of a server that this process and its children have.

Fans, supplies, memory and disks are in it, GPUs are not: it is what carbon, water and money are
reckoned from, where no instrument sees the node. The formula and its interval:
`wattmark.metrology.server_power`. Where the watts come from:
`wattmark.meters.modelled.node_model`. It holds what ``modelled-cpu`` says of the processor, so the
two are never added up.
"""

from __future__ import annotations

import time

from wattmark.contracts import Availability, Channel, MeterInfo, Scope
from wattmark.errors import MeterError
from wattmark.machine import process_tree
from wattmark.meters.modelled.cpu_model import ChosenModel
from wattmark.meters.modelled.node_model import choose_node_model, describe
from wattmark.metrology.cpu_power import PowerModel
from wattmark.metrology.cpu_windows import cpu_channel, cpu_reading, cpu_window
from wattmark.quantities import Grade, Reason
from wattmark.records import EnergyWindow, MeterReading
from wattmark.records.domains import MODELLED_NODE

DOMAIN = "node"


class ModelledNode:
    """Energy of a server's share: its hardware threads that the work has, and their CPU time.

    Without a model, the best that is known of this machine is taken (``choose_node_model``).
    """

    name = MODELLED_NODE
    grade = Grade.MODELLED

    def __init__(self, model: PowerModel | None = None) -> None:
        self._chosen = None if model is None else ChosenModel(model, "given by the caller")
        self._cores: int | None = None

    def _choice(self) -> ChosenModel:
        if self._chosen is None:
            self._chosen = choose_node_model()
        return self._chosen

    @property
    def model(self) -> PowerModel:
        """The watts that it reckons with. Raises MeterError where nothing is known of them."""
        return self._choice().model

    def probe(self) -> Availability:
        """Whether anything is known of servers like this one."""
        try:
            return Availability(True, detail=describe(self._choice()))
        except MeterError as error:
            return Availability(False, Reason.NO_METER, str(error))

    def open(self, cores: int) -> MeterInfo:
        """Remember the hardware threads whose idle power is attributed to this process.

        Raises MeterError for no thread, or where nothing is known of the machine.
        """
        if cores < 1:
            raise MeterError(f"{self.name} needs at least one core, not {cores}")
        detail = describe(self._choice())
        self._cores = cores
        period_s = time.get_clock_info("process_time").resolution
        return MeterInfo(self.name, (DOMAIN,), self.grade, period_s, detail, Scope.PROCESS)

    def channels(self) -> tuple[Channel, ...]:
        """CPU seconds and the model that they are reckoned with."""
        return (cpu_channel(self.name, self._opened(), self.model, DOMAIN),)

    def read(self) -> MeterReading:
        """Raw ``cpu_s`` of the process tree and ``wall_s`` of the monotonic clock (no joules)."""
        return cpu_reading(time.monotonic_ns(), process_tree.cpu_s())

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """One window of domain ``node``. Raises MeterError where the meter was never opened."""
        return (cpu_window(self.name, before, after, self._opened(), self.model, DOMAIN),)

    def _opened(self) -> int:
        if self._cores is None:
            raise MeterError(f"{self.name} is not open: it needs the number of pinned cores")
        return self._cores

    def close(self) -> None:
        """Nothing to release."""
