"""Modelled power of memory, from how much of it is installed. Pure.

Two published rules disagree by far on large machines, so the interval spans both and the value is
their geometric mean:

* Green Algorithms (Lannelongue et al. 2021): 0.3725 W per GB.
* CodeCarbon 3 (``codecarbon.external.ram``): 5 W per memory module of an x86 machine and 1.5 W of
  an ARM one, at least two modules; of many modules the later ones count less. How many modules
  there are is guessed from the size.

Both take memory as drawing the same whatever is done with it, so there is nothing to subtract.
"""

from __future__ import annotations

import math

from wattmark.errors import MeterError
from wattmark.quantities import Grade, Quantity

WATTS_PER_GB = 0.3725
WATTS_PER_MODULE = {"x86": 5.0, "arm": 1.5}

#: (modules, weight of each), in the order in which they are filled
_MODULE_WEIGHTS = ((4, 1.0), (4, 0.9), (8, 0.8), (16, 0.7))
_FEWEST_MODULES_COUNTED = 2
_MOST_MODULES = 32

#: (up to so many GB, modules)
_SMALL_MACHINES = ((2.0, 1), (16.0, 2), (64.0, 4), (128.0, 8))
_MODULE_SIZES_GB = (128, 64, 32, 16)


def modules(memory_gb: float) -> int:
    """How many memory modules CodeCarbon's rule takes a machine of that size to have."""
    for limit_gb, count in _SMALL_MACHINES:
        if memory_gb <= limit_gb:
            return count
    size_gb = next(size for size in _MODULE_SIZES_GB if size <= memory_gb / 8)
    return min(math.ceil(memory_gb / size_gb), _MOST_MODULES)


def module_power_w(memory_gb: float, watts_per_module: float) -> float:
    """Watts of all memory by CodeCarbon's rule."""
    left = modules(memory_gb)
    weight = 0.0
    for count, share in _MODULE_WEIGHTS:
        weight += share * min(left, count)
        left -= min(left, count)
    return watts_per_module * max(weight, float(_FEWEST_MODULES_COUNTED))


def dram_power(memory_gb: float, family: str = "x86") -> Quantity:
    """Watts of ``memory_gb`` of installed memory; ``family`` is ``x86`` or ``arm``.

    Raises MeterError for no memory.
    """
    if memory_gb <= 0:
        raise MeterError(f"no memory has {memory_gb} GB")
    ends = (
        WATTS_PER_GB * memory_gb,
        module_power_w(memory_gb, WATTS_PER_MODULE[family]),
    )
    return Quantity.between(
        math.sqrt(ends[0] * ends[1]), min(ends), max(ends), "W", grade=Grade.MODELLED
    )


def dram_energy(
    wall_s: float, memory_gb: float, resident_shares: tuple[float, float], family: str = "x86"
) -> tuple[Quantity, Quantity]:
    """(gross, idle-allocated) energy in J of the machine's memory over ``wall_s``.

    Allocated is the share that the work's resident memory has of the installed: the mean of
    ``resident_shares`` (before and after the window, 0 to 1), with both as its ends. Raises
    MeterError for a negative time or a share outside 0 to 1.
    """
    low, high = min(resident_shares), max(resident_shares)
    if wall_s < 0 or not 0 <= low <= high <= 1:
        raise MeterError(f"no memory energy of wall_s={wall_s}, shares {resident_shares}")
    gross = (dram_power(memory_gb, family) * Quantity.exact(wall_s, "s")).to("J")
    share = Quantity.between((low + high) / 2, low, high, "1", level=1.0)
    return gross, (gross * share).to("J")
