"""Modelled CPU energy: CPU time times watts per core, where no sensor can be read. Pure.

    gross           = (busy - idle) x cpu_s + idle x wall_s x cores
    idle-subtracted = (busy - idle) x cpu_s
    idle-allocated  = idle-subtracted + the idle energy of the reserved cores = gross

with ``idle = idle_share x busy``, both in watts per core, and ``cores`` those that the work has
for itself. Gross is all that the model sees of the processor, hence it equals idle-allocated.

The parameters are a judgement about which machine this is, not a statistic: on one machine they
are the same for all windows. So a figure is uncertain as a level (errors of up to 40 % against a
wall meter: Fischer 2025, arXiv 2509.22092), while in a ratio of two windows the scale cancels: a
figure to compare with others of the machine has it held fixed (`comparable_energy`). What the
model does not see is the program: instruction mix (vector units draw more), clock speed, memory.
PROGRAM_SPREAD stands for that, in both: the ratio of two programs is only known to x/÷ 1.22, even
where their CPU times are exact. What is common and what is not: `records/common_parts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import copysign, hypot, log, sqrt
from statistics import median

from wattmark.errors import MeterError
from wattmark.quantities import Grade, Quantity
from wattmark.records import ComparableEnergy
from wattmark.records.common_parts import LEVEL, normal_z, widened

#: processor -> (thermal design or base power in W, cores), from the makers' data sheets
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

#: server generation -> (W per logical CPU at idle, at full load), from the coefficients of Cloud
#: Carbon Footprint, which derives them from SPECpower_ssj2008
IDLE_TABLE = {
    "Intel Skylake": (0.64, 4.05),  # 0.16
    "Intel Cascade Lake": (0.64, 3.80),  # 0.17
    "Intel Broadwell": (0.71, 3.54),  # 0.20
    "AMD EPYC 3rd generation": (0.45, 1.87),  # 0.24
    "AMD EPYC 2nd generation": (0.47, 1.64),  # 0.29
    "Intel Haswell": (1.90, 5.99),  # 0.32
    "AMD EPYC 1st generation": (0.82, 2.55),  # 0.32
}

#: How far the watts of a busy core may lie from the machine's own mean, from program to program.
#: Models fitted to one machine miss benchmarks by 5 % on average (Scientific Programming 2017,
#: 8686971; Canuto et al. 2016); twice that is taken for a single program, so that two may lie
#: x/÷ 1.1 / 0.9 apart. With misses of a heavy tail (Laplace's, a mean of 5 %) that holds for 95 %
#: of pairs, with normal ones for 97 %: `benchmarks/modelled_ratio.py`.
PROGRAM_SPREAD = 0.10

_WATTS_PER_CORE = sorted(watts / cores for watts, cores in TDP_TABLE.values())


@dataclass(frozen=True)
class PowerModel:
    """Watts of one busy core, and the share of them that it draws when idle.

    ``program_spread`` is the part of the interval of ``busy_w`` that differs from program to
    program on one machine, as a share either way; the rest is common to all windows. Raises
    MeterError for parameters that no machine has.
    """

    busy_w: Quantity
    idle_share: Quantity
    program_spread: float = PROGRAM_SPREAD

    def __post_init__(self) -> None:
        busy_low, _, busy_high = self.busy_w.to("W").bounds()
        share_low, _, share_high = self.idle_share.to("1").bounds()
        if busy_low <= 0 or not 0 <= share_low <= share_high <= 1:
            raise MeterError("a power model needs busy watts above 0 and an idle share in [0, 1]")
        spread = self.program_spread
        if not 0 <= spread < 1 or busy_high * (1 - spread) < busy_low * (1 + spread) * (1 - 1e-9):
            raise MeterError(
                f"busy watts in [{busy_low:.3g}, {busy_high:.3g}] are narrower than programs "
                f"differ on one machine (+-{spread:.0%}): widen them (`PowerModel.widened`)"
            )

    @classmethod
    def widened(
        cls, busy_w: Quantity, idle_share: Quantity, spread: float = PROGRAM_SPREAD
    ) -> PowerModel:
        """The model of a machine whose mean busy watts are ``busy_w``, widened for programs."""
        low, value, high = busy_w.to("W").bounds()
        wide = Quantity.between(
            value,
            low * (1 - spread),
            high * (1 + spread),
            "W",
            level=busy_w.level or 0.95,
            grade=Grade.MODELLED,
        )
        return cls(wide, idle_share, spread)

    @cached_property
    def busy_bounds_w(self) -> tuple[float, float, float]:
        """(low, value, high) of ``busy_w`` in W; every window asks."""
        return self.busy_w.to("W").bounds()

    @cached_property
    def share_bounds(self) -> tuple[float, float, float]:
        """(low, value, high) of ``idle_share``."""
        return self.idle_share.to("1").bounds()

    @cached_property
    def scale(self) -> str:
        """What all energies share that are reckoned with it on one machine."""
        busy_w, share = self.busy_bounds_w[1], self.share_bounds[1]
        return f"{busy_w:.6g} W per busy core, idle {share:.6g} of it"

    @cached_property
    def program_sd(self) -> float:
        """Standard deviation of the logarithm of a program's watts over the machine's mean.

        That for which the ratio of two programs lies within (1 + spread) / (1 - spread) at 95 %.
        """
        apart = log((1 + self.program_spread) / (1 - self.program_spread))
        return apart / (normal_z(LEVEL) * sqrt(2))

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


#: Which machine it is, is not known. The value is the median of each table. Busy: the interval
#: begins at half of the smallest entry, since a logical CPU may be one of two hardware threads of
#: a core, and ends above the power limit of a boosting desktop part (Ryzen 9 7950X: 230 W / 16
#: cores = 14.4). Idle: from the 10 % floor that CodeCarbon assumes to 40 %.
DEFAULT_MODEL = PowerModel(
    busy_w=Quantity.between(
        median(_WATTS_PER_CORE), _WATTS_PER_CORE[0] / 2, 15.0, "W", grade=Grade.MODELLED
    ),
    idle_share=Quantity.between(
        median(idle / full for idle, full in IDLE_TABLE.values()), 0.10, 0.40, "1"
    ),
)


@dataclass(frozen=True)
class CpuWork:
    """``cpu_s`` CPU seconds within ``wall_s`` seconds, with ``cores`` cores reserved.

    Raises MeterError for negative times or no core.
    """

    cpu_s: float
    wall_s: float
    cores: int

    def __post_init__(self) -> None:
        if self.cpu_s < 0 or self.wall_s < 0 or self.cores < 1:
            raise MeterError(
                f"no energy of cpu_s={self.cpu_s}, wall_s={self.wall_s} on {self.cores} cores"
            )

    def gross(self, idle_share: float) -> float:
        """Joules per watt of a busy core, idle energy of the reserved cores included."""
        return (1 - idle_share) * self.cpu_s + idle_share * self.wall_s * self.cores

    def idle_subtracted(self, idle_share: float) -> float:
        """Joules per watt of a busy core that the work added."""
        return (1 - idle_share) * self.cpu_s


def modelled_energy(
    cpu_s: float, wall_s: float, cores: int, model: PowerModel = DEFAULT_MODEL
) -> tuple[Quantity, Quantity]:
    """(gross, idle-subtracted) energy in J of ``cpu_s`` CPU seconds on ``cores`` in ``wall_s``.

    The interval holds the extremes over the ends of both parameters, at their joint level.
    Raises MeterError for negative times or no core.
    """
    work = CpuWork(cpu_s, wall_s, cores)
    busy_low, busy, busy_high = model.busy_bounds_w
    share_low, share, share_high = model.share_bounds
    corners = list(product((busy_low, busy_high), (share_low, share_high)))
    level = max(0.0, (model.busy_w.level or 0.0) + (model.idle_share.level or 0.0) - 1.0)

    def quantity(energy_j: float, ends_j: list[float]) -> Quantity:
        return Quantity.between(
            energy_j, min(ends_j), max(ends_j), "J", level=level, grade=Grade.MODELLED
        )

    return (
        quantity(busy * work.gross(share), [b * work.gross(s) for b, s in corners]),
        quantity(
            busy * work.idle_subtracted(share), [b * work.idle_subtracted(s) for b, s in corners]
        ),
    )


def comparable_energy(work: CpuWork, model: PowerModel = DEFAULT_MODEL) -> ComparableEnergy:
    """The gross energy of :func:`modelled_energy`, the machine's mean busy watts held fixed.

    What is left is the program, and the idle share, whose effect is told apart since it is common
    to all of the machine.
    """
    busy = model.busy_bounds_w[1]
    least, value, most = (busy * work.gross(s) for s in model.share_bounds)
    level = model.idle_share.level or LEVEL
    idle = 0.0
    if least > 0 and most > 0 and level < 1:  # the longer arm, towards the higher share or not
        arm = max(abs(log(most / value)), abs(log(value / least)))
        idle = copysign(arm / normal_z(level), most - least)
    exact = Quantity.between(value, value, value, "J", level=LEVEL, grade=Grade.MODELLED)
    spread = hypot(model.program_sd, idle)
    return ComparableEnergy(scale=model.scale, energy=widened(exact, spread), idle_effect=idle)
