"""Modelled CPU energy: CPU time times watts per core, where no sensor can be read.

    gross           = busy x cpu_s + idle x (wall_s x cores - cpu_s)
                    = (busy - idle) x cpu_s + idle x wall_s x cores
    idle-subtracted = (busy - idle) x cpu_s

with ``idle = idle_share x busy``, both in watts per core.

Busy watts per core: thermal design power over cores, from the makers' data sheets (TDP_TABLE).
The value is the table's median. The interval begins at half of its smallest entry, since a
logical CPU may be one of two hardware threads of a core, and ends above the power limit of a
boosting desktop part (Ryzen 9 7950X: 230 W / 16 cores = 14.4).

Idle share: idle over full-load watts of servers, from the coefficients of Cloud Carbon Footprint
(derived from SPECpower_ssj2008, IDLE_TABLE). The value is the median; the interval reaches from
the 10 % floor that CodeCarbon assumes to 40 %.

The interval is a judgement about which machine this is, not a statistic: on one machine the
parameters are the same for all windows. So the figure is uncertain as a level, while a ratio of
two windows is as good as the ratio of their CPU times. What the model does not see: instruction
mix (vector units draw more), clock speed, memory, and child processes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import product
from statistics import median

from wattmark.contracts import Availability, MeterInfo
from wattmark.errors import MeterError
from wattmark.meters.counters import elapsed_s
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

#: processor -> (thermal design or base power in W, cores)
TDP_TABLE = {
    "AMD EPYC 9965": (500, 192),  # 2.60 W/core
    "AMD EPYC 9754": (360, 128),  # 2.81
    "AMD EPYC 9654": (360, 96),  # 3.75
    "Intel Core i7-13700": (65, 16),  # 4.06
    "AMD EPYC 7763": (280, 64),  # 4.38
    "Intel Core i9-13900K": (125, 24),  # 5.21
    "Intel Xeon Platinum 8480+": (350, 56),  # 6.25
    "Intel Xeon Platinum 8380": (270, 40),  # 6.75
    "AMD EPYC 7543": (225, 32),  # 7.03
    "AMD Ryzen 7 7700": (65, 8),  # 8.13
    "AMD Ryzen 9 7950X": (170, 16),  # 10.63
}

#: server generation -> (W per logical CPU at idle, at full load)
IDLE_TABLE = {
    "Intel Skylake": (0.64, 4.05),  # 0.16
    "Intel Cascade Lake": (0.64, 3.80),  # 0.17
    "Intel Broadwell": (0.71, 3.54),  # 0.20
    "AMD EPYC 3rd generation": (0.45, 1.87),  # 0.24
    "AMD EPYC 2nd generation": (0.47, 1.64),  # 0.29
    "Intel Haswell": (1.90, 5.99),  # 0.32
    "AMD EPYC 1st generation": (0.82, 2.55),  # 0.32
}

_WATTS_PER_CORE = sorted(watts / cores for watts, cores in TDP_TABLE.values())


@dataclass(frozen=True)
class PowerModel:
    """Watts of one busy core, and the share of them that it draws when idle."""

    busy_w: Quantity
    idle_share: Quantity

    def __post_init__(self) -> None:
        busy_low, _, _ = self.busy_w.to("W").bounds()
        share_low, _, share_high = self.idle_share.to("1").bounds()
        if busy_low <= 0 or not 0 <= share_low <= share_high <= 1:
            raise MeterError("a power model needs busy watts above 0 and an idle share in [0, 1]")

    @property
    def idle_w(self) -> Quantity:
        """Watts of one idle core."""
        return (self.busy_w * self.idle_share).to("W")

    def describe(self) -> str:
        """The parameters in one line, for reports."""
        low, value, high = self.busy_w.bounds()
        share_low, share, share_high = self.idle_share.bounds()
        return (
            f"{value:.2g} W per busy core [{low:.2g}, {high:.2g}], "
            f"idle {share:.0%} of it [{share_low:.0%}, {share_high:.0%}]"
        )


DEFAULT_MODEL = PowerModel(
    busy_w=Quantity.between(
        median(_WATTS_PER_CORE), _WATTS_PER_CORE[0] / 2, 15.0, "W", grade=Grade.MODELLED
    ),
    idle_share=Quantity.between(
        median(idle / full for idle, full in IDLE_TABLE.values()), 0.10, 0.40, "1"
    ),
)


def modelled_energy(
    cpu_s: float, wall_s: float, cores: int, model: PowerModel = DEFAULT_MODEL
) -> tuple[Quantity, Quantity]:
    """(gross, idle-subtracted) energy in J of ``cpu_s`` CPU seconds on ``cores`` in ``wall_s``.

    The interval holds the extremes over the ends of both parameters, at their joint level.
    Raises MeterError for negative times or no core.
    """
    if cpu_s < 0 or wall_s < 0 or cores < 1:
        raise MeterError(f"no energy of cpu_s={cpu_s}, wall_s={wall_s} on {cores} cores")
    busy_low, busy, busy_high = model.busy_w.to("W").bounds()
    share_low, share, share_high = model.idle_share.to("1").bounds()
    core_s = wall_s * cores

    def gross(watts: float, idle: float) -> float:
        return watts * ((1 - idle) * cpu_s + idle * core_s)

    def dynamic(watts: float, idle: float) -> float:
        return watts * (1 - idle) * cpu_s

    corners = list(product((busy_low, busy_high), (share_low, share_high)))
    level = max(0.0, (model.busy_w.level or 0.0) + (model.idle_share.level or 0.0) - 1.0)

    def quantity(energy_j: float, ends_j: list[float]) -> Quantity:
        return Quantity.between(
            energy_j, min(ends_j), max(ends_j), "J", level=level, grade=Grade.MODELLED
        )

    return (
        quantity(gross(busy, share), [gross(*corner) for corner in corners]),
        quantity(dynamic(busy, share), [dynamic(*corner) for corner in corners]),
    )


class ModelledCpu:
    """Energy of the process that reads it, all its threads, from its CPU time."""

    name = "modelled-cpu"
    grade = Grade.MODELLED

    def __init__(self, model: PowerModel = DEFAULT_MODEL) -> None:
        self.model = model
        self._cores: int | None = None

    def probe(self) -> Availability:
        """Always available: every platform counts the CPU time of a process."""
        return Availability(True, detail=self.model.describe())

    def open(self, cores: int) -> MeterInfo:
        """Remember the number of cores whose idle power is attributed to this process."""
        if cores < 1:
            raise MeterError(f"modelled-cpu needs at least one core, not {cores}")
        self._cores = cores
        period_s = time.get_clock_info("process_time").resolution
        return MeterInfo(self.name, ("cpu",), self.grade, period_s, self.model.describe())

    def read(self) -> MeterReading:
        """Raw ``cpu_s`` of this process and ``wall_s`` of the monotonic clock (no joules)."""
        time_ns = time.monotonic_ns()
        cpu_s = time.process_time_ns() / 1e9
        return MeterReading(time_ns=time_ns, values={"cpu_s": cpu_s, "wall_s": time_ns / 1e9})

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """One window of domain ``cpu``. Raises MeterError where the meter was never opened."""
        if self._cores is None:
            raise MeterError("modelled-cpu is not open: it needs the number of pinned cores")
        wall_s = elapsed_s(before, after)
        cpu_s = after.values["cpu_s"] - before.values["cpu_s"]
        if cpu_s < 0:
            detail = "the CPU time went back: the readings are of two processes"
            gross = dynamic = Quantity.missing("J", Reason.COUNTER_RESET, detail)
        else:
            gross, dynamic = modelled_energy(cpu_s, wall_s, self._cores, self.model)
        return (
            EnergyWindow(
                meter=self.name,
                domain="cpu",
                gross=gross,
                idle_subtracted=dynamic,
                before=before,
                after=after,
            ),
        )

    def close(self) -> None:
        """Nothing to release."""
