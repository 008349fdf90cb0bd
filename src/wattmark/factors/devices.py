"""What making a device cost, and over how many years it is written off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wattmark.errors import UnknownNameError
from wattmark.factors.factor import Factor, Source
from wattmark.factors.own import Figure, read_table
from wattmark.quantities import Reason

#: field of the table -> (what it is called, its unit)
_MADE_OF = {
    "carbon_kg": ("embodied carbon", "kg"),
    "adpe_kgsb": ("embodied resources (ADPe)", "kgSb"),
    "primary_energy_mj": ("embodied primary energy", "MJ"),
}


@dataclass(frozen=True)
class Device:
    """One device: what it took to make it, and its lifetime in years."""

    name: str
    kind: Literal["server", "accelerator"]
    carbon: Factor
    adpe: Factor
    primary_energy: Factor
    lifetime: Factor


def device_names() -> tuple[str, ...]:
    """Names of the table's devices."""
    return tuple(sorted(read_table("devices")["devices"]))


def device(name: str) -> Device:
    """The device of that name. Raises UnknownNameError with the nearest names."""
    entry = read_table("devices")["devices"].get(name.strip().lower())
    if entry is None:
        raise UnknownNameError("device", name, device_names())
    carbon, adpe, primary = (_made(name, entry, field) for field in _MADE_OF)
    lifetime = Figure(**entry["lifetime_years"])
    return Device(
        name,
        entry["kind"],
        carbon,
        adpe,
        primary,
        lifetime.factor(f"lifetime of {name}", "year", *_sources(lifetime)),
    )


def accelerator_called(product: str) -> str:
    """Name of the table's device for a GPU that calls itself ``product``; ``gpu`` for others."""
    for name, entry in read_table("devices")["devices"].items():
        if any(word in product.lower() for word in entry["matches"]):
            return str(name)
    return "gpu"


def _made(name: str, entry: dict[str, Any], field: str) -> Factor:
    title, unit = _MADE_OF[field]
    if field not in entry:
        return Factor.missing(f"{title} of {name}", unit, Reason.NO_FACTOR, name)
    figure = Figure(**entry[field])
    return figure.factor(f"{title} of {name}", unit, *_sources(figure))


def _sources(figure: Figure) -> tuple[Source, ...]:
    return tuple(Source(**read_table("devices")["sources"][name]) for name in figure.sources)
