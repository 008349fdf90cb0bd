"""A place with all its factors, as impact is computed from; who resolves it is not asked here."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattmark.factors import Factor
from wattmark.factors.devices import Device
from wattmark.quantities import Reason


@dataclass(frozen=True)
class Placed:
    """A device in the place: how many of them, and over how many years they are written off."""

    device: Device
    count: int
    lifetime: Factor


def _none(name: str, unit: str, how: str) -> Factor:
    return Factor.missing(name, unit, Reason.NOT_GIVEN, how)


@dataclass(frozen=True)
class Place:
    """The factors of a place.

    ``pue`` and shares without unit, waters in L/kWh, carbon in kg/kWh, ``adpe`` in kgSb/kWh,
    ``primary_energy`` in MJ/kWh, ``price`` in money per kWh, ``instance_price`` in money per h.
    """

    name: str
    pue: Factor
    carbon: Factor
    water: Factor
    adpe: Factor
    primary_energy: Factor
    wue_site: Factor = field(
        default_factory=lambda: _none("WUE on site", "L/kWh", "give --wue-site or --provider")
    )
    market_carbon: Factor = field(
        default_factory=lambda: _none(
            "carbon of the contract", "kg/kWh", "give --market-carbon, or market_carbon in a site"
        )
    )
    price: Factor = field(
        default_factory=lambda: _none("price of electricity", "USD/kWh", "give --price")
    )
    instance_price: Factor = field(
        default_factory=lambda: _none("price of the machine", "USD/h", "give --instance-price")
    )
    devices: tuple[Placed, ...] = ()
    share: Factor = field(
        default_factory=lambda: Factor.of("share of the machine reserved", 1.0, "1")
    )
    utilisation: Factor = field(
        default_factory=lambda: Factor.of("utilisation over the lifetime", 1.0, "1")
    )
