"""Which figures add up to the whole that was measured, and which domain a device belongs to.

Each domain counts once. Where several instruments saw it, the best known figure counts: known
before missing, then by grade, then the one that was named first. The others stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wattmark.quantities import Grade, Quantity, sum_of_parts

#: Names by which frameworks call a GPU; any other device is a domain of its own name.
_GPU_DEVICES = frozenset({"cuda", "rocm", "hip", "vulkan", "metal", "mps", "opencl", "xpu", "gpu"})

#: The meter whose node is a model of a server: it knows of no GPU and no other device.
MODELLED_NODE = "modelled-node"

#: As which such a node counts: processor, memory, and what feeds and cools them.
HOST = "host"
_OF_HOST = frozenset({"cpu", "dram"})


def domain_of(device: str) -> str:
    """The domain of a setup's device, without its number: ``gpu`` for ``cuda`` or ``cuda:1``."""
    kind = device.partition(":")[0]
    return "gpu" if kind in _GPU_DEVICES else kind


def counts_as(meter: str, domain: str) -> str:
    """As which domain a meter's figure counts in sums: itself, but HOST for a modelled node."""
    return HOST if (meter, domain) == (MODELLED_NODE, "node") else domain


def is_gpu_device(device: str) -> bool:
    """Whether a setup's device is a GPU by any of its names."""
    return domain_of(device) == "gpu"


def covers(domains: Iterable[str], device: str) -> bool:
    """Whether any of these domains holds what the device uses.

    ``node`` holds everything, HOST the processor and the memory.
    """
    own = domain_of(device)
    found = {domain.partition(":")[0] for domain in domains}
    return own in found or "node" in found or (HOST in found and own in _OF_HOST)


def summed(domains: Iterable[str]) -> frozenset[str]:
    """The domains whose energies add up without counting a joule twice.

    ``node`` holds all the others; where it is there, it is the sum. HOST holds processor and
    memory, and is added to the other devices.
    """
    found = frozenset(domains)
    if "node" in found:
        return frozenset({"node"})
    return found - _OF_HOST if HOST in found else found


def counting(parts: Sequence[tuple[str, Quantity]]) -> list[int]:
    """Which of these figures count, each given with its domain: of every domain the best."""
    best: dict[str, int] = {}
    for at, (domain, energy) in enumerate(parts):
        if domain not in best or trust(energy) < trust(parts[best[domain]][1]):
            best[domain] = at
    return sorted(best.values())


def trust(energy: Quantity) -> tuple[bool, int]:
    """What figures of one domain are put in order by: known first, then the better grade."""
    grades = list(Grade)
    return not energy.known, grades.index(energy.grade) if energy.grade else len(grades)


def total(parts: Iterable[tuple[str, Quantity]]) -> Quantity | None:
    """The sum over all domains, each (as it `counts_as`) with its energy; None without any.

    Each domain counts once, by its best figure. Each is of an instrument of its own: even of one
    meter, every domain has its own sensor.
    """
    listed = list(parts)
    found = [listed[at] for at in counting(listed)]
    whole = summed(domain for domain, _ in found)
    energies = [energy for domain, energy in found if domain in whole]
    return sum_of_parts(enumerate(energies)) if energies else None
