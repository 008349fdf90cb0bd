"""Which domains add up to the whole that was measured, and which a device belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from wattmark.quantities import Quantity, sum_of_parts

#: Names by which frameworks call a GPU; any other device is a domain of its own name.
_GPU_DEVICES = frozenset({"cuda", "rocm", "hip", "vulkan", "metal", "mps", "opencl", "xpu", "gpu"})


def domain_of(device: str) -> str:
    """The domain of a setup's device, without its number: ``gpu`` for ``cuda`` or ``cuda:1``."""
    kind = device.partition(":")[0]
    return "gpu" if kind in _GPU_DEVICES else kind


def is_gpu_device(device: str) -> bool:
    """Whether a setup's device is a GPU by any of its names."""
    return domain_of(device) == "gpu"


def covers(domains: Iterable[str], device: str) -> bool:
    """Whether any of these domains holds what the device uses; ``node`` holds everything."""
    own = domain_of(device)
    return any(domain.partition(":")[0] in (own, "node") for domain in domains)


def summed(domains: Iterable[str]) -> frozenset[str]:
    """The domains whose energies add up without counting a joule twice.

    ``node`` holds all the others; where it is there, it is the sum.
    """
    found = frozenset(domains)
    return frozenset({"node"}) if "node" in found else found


def total(parts: Iterable[tuple[str, Quantity]]) -> Quantity | None:
    """The sum over all domains, each given with its energy; None where there is none.

    Each is of an instrument of its own: even of one meter, every domain has its own sensor.
    """
    found = list(parts)
    whole = summed(domain for domain, _ in found)
    energies = [energy for domain, energy in found if domain in whole]
    return sum_of_parts(enumerate(energies)) if energies else None
