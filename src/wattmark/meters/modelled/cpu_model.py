"""Which power model holds for this machine's processor: the best that is known of it.

1. The calibration of this machine (``wattmark meter calibrate``), if it still holds.
2. The thermal design power (TDP) in CodeCarbon's table, over the cores of the package. TDP is of
   the whole package. How many cores that has: from the name, where it says ("64-Core Processor"),
   else from ``/proc/cpuinfo``. A virtual machine shows there what it was given, so without cores
   in the name it gets no watts per core from a TDP.
3. The generation of a server's processor, which a virtual machine shows where it masks the name:
   the package's part of what such servers draw at the wall (`wattmark.metrology.server_power`).
4. The default, an interval over the processors of two tables.

A model by TDP may be off by 40 % (Fischer 2025, arXiv 2509.22092), and a second of CPU time is
one of a logical CPU: with two hardware threads a core it costs between half a core's watts (both
busy) and all of them. The interval has both; the value is the geometric middle of the threads.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wattmark.errors import MeterError
from wattmark.machine.cpu_info import CpuInfo, cpu_info
from wattmark.meters.modelled import cpu_table
from wattmark.meters.modelled.calibration_file import (
    MachineIdentity,
    calibration_path,
    read_calibration,
    utc_now,
)
from wattmark.meters.modelled.server_table import generation_model
from wattmark.metrology.cpu_power import DEFAULT_MODEL, PowerModel
from wattmark.metrology.server_power import package_model
from wattmark.quantities import Grade, Quantity

#: How far a model by TDP was found off against a wall meter, either way.
TDP_ERROR = 0.40

#: Threads of a core where only the name tells of its cores: server parts have up to two.
_MOST_THREADS = 2

_CORES_IN_NAME = re.compile(r"\b(\d+)-core\b", re.IGNORECASE)


@dataclass(frozen=True)
class ChosenModel:
    """A power model and where it comes from."""

    model: PowerModel
    source: str

    def describe(self) -> str:
        """Parameters and source in one line."""
        return f"{self.model.describe()}; from {self.source}"


def choose_power_model(
    cpu: CpuInfo | None = None,
    *,
    calibration: Path | None = None,
    table: Path | None = None,
    now: datetime | None = None,
) -> ChosenModel:
    """The best power model for a processor, by default this machine's. Raises nothing.

    ``calibration`` and ``table`` are files, by default the user's calibration and CodeCarbon's
    table. What could not be used, and why, stands in the source.
    """
    cpu = cpu or cpu_info()
    path = calibration or calibration_path()
    notes: list[str] = []
    try:
        found = read_calibration(path)
        if found is not None:
            objection = found.objection(MachineIdentity.of(cpu), now or utc_now())
            if objection is None:
                return ChosenModel(found.model(), found.describe())
            notes.append(f"the calibration is not used: {objection}")
    except MeterError as error:
        notes.append(f"the calibration is not used: {error}")
    try:
        model, source = _by_tdp(cpu, table or cpu_table.table_file())
    except MeterError as error:
        notes.append(str(error))
        if (node := generation_model(cpu)) is not None:
            source = f"the package's part of a server, {node[1]}"
            return ChosenModel(package_model(node[0]), "; ".join([source, *notes]))
        return ChosenModel(DEFAULT_MODEL, "; ".join(["the default for any machine", *notes]))
    return ChosenModel(model, "; ".join([source, *notes]))


def _by_tdp(cpu: CpuInfo, table: Path | None) -> tuple[PowerModel, str]:
    """Model and source by the table. Raises MeterError with the reason where there is none."""
    if table is None:
        raise MeterError("no table of processors: install wattmark[codecarbon]")
    match = cpu_table.find(cpu.name, cpu_table.read_table(table))
    if match is None:
        raise MeterError(f"no processor {cpu.name!r} in CodeCarbon's table")
    cores, threads, told_by = _cores_of_package(cpu, match)
    alike = "" if match.exact else f", taken for {cpu.name!r}"
    source = (
        f"CodeCarbon's table ({cpu_table.table_version()}): {match.entry}{alike}, "
        f"{match.tdp_w:g} W over {cores} cores by {told_by}"
    )
    return tdp_model(match.tdp_w, cores, threads), source


def _cores_of_package(cpu: CpuInfo, match: cpu_table.Match) -> tuple[int, int, str]:
    """(cores, threads a core, who says so). Raises MeterError where nobody can tell."""
    named = _CORES_IN_NAME.search(cpu.name)
    shown = cpu.threads // cpu.cores if cpu.cores and not cpu.virtual else 0
    if named and int(named[1]) > 0:
        return int(named[1]), shown or _MOST_THREADS, "its name"
    if cpu.virtual:
        raise MeterError(
            f"{match.entry} has a TDP of {match.tdp_w:g} W, but how many cores share it cannot "
            "be seen from within a virtual machine"
        )
    if not cpu.cores:
        raise MeterError(
            f"{match.entry} has a TDP of {match.tdp_w:g} W, but /proc/cpuinfo does not say how "
            "many cores share it"
        )
    return cpu.cores, max(1, shown), "/proc/cpuinfo"


def tdp_model(tdp_w: float, cores: int, threads: int) -> PowerModel:
    """Watts per logical CPU of a package with that TDP, ``threads`` hardware threads a core."""
    core_w = tdp_w / cores
    busy_w = Quantity.between(
        core_w / math.sqrt(threads),
        (1 - TDP_ERROR) * core_w / threads,
        (1 + TDP_ERROR) * core_w,
        "W",
        grade=Grade.MODELLED,
    )
    return PowerModel(busy_w, DEFAULT_MODEL.idle_share)
