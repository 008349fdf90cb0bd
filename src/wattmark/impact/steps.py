"""The steps from joules to impact: one pure function each, over quantities.

Units are checked by the arithmetic, and intervals carried by it (extremes over all end points).
E is the energy of the machines (IT energy) in J or Wh, for whatever it was measured: a query, a
run, a year. PUE enters once, in :func:`facility_energy` and where the grid's water is counted.

Every function raises ImpactError that names the field for a value that cannot be.
"""

from __future__ import annotations

from wattmark.errors import ImpactError
from wattmark.quantities import Quantity


def facility_energy(energy_it: Quantity, pue: Quantity) -> Quantity:
    """Energy of the building for the machines' energy: E_IT x PUE.

    Source: The Green Grid, WP 49 (2012); ISO/IEC 30134-2.
    """
    not_negative("energy", energy_it)
    at_least_one("pue", pue)
    return energy_it * pue


def emissions(energy_facility: Quantity, intensity: Quantity) -> Quantity:
    """Greenhouse gases of the electricity: E_facility x intensity (kg/kWh), in CO2 equivalents.

    Location-based with the grid's average, market-based with the contract's. Source: GHG
    Protocol, Scope 2 Guidance (2015), chapters 4 and 6.
    """
    not_negative("intensity", intensity)
    return energy_facility * intensity


def water_on_site(energy_it: Quantity, wue_site: Quantity) -> Quantity:
    """Water the building consumes: E_IT x WUE_site (L/kWh).

    WUE is defined on IT energy, so PUE has no place here. Source: The Green Grid, WP 35 (2011).
    """
    not_negative("energy", energy_it)
    not_negative("wue_site", wue_site)
    return energy_it * wue_site


def water_off_site(energy_facility: Quantity, wue_source: Quantity) -> Quantity:
    """Water that the power plants consume: E_IT x PUE x WUE_source (L/kWh).

    Source: Li et al. (2023), "Making AI Less Thirsty", arXiv 2304.03271.
    """
    not_negative("wue_source", wue_source)
    return energy_facility * wue_source


def water(energy_it: Quantity, pue: Quantity, wue_site: Quantity, wue_source: Quantity) -> Quantity:
    """All water: E_IT x (WUE_site + PUE x WUE_source); Li et al. (2023), as above."""
    return energy_it * (wue_site + pue * wue_source)


def resources(energy_facility: Quantity, per_kwh: Quantity) -> Quantity:
    """What the electricity took of minerals (kgSb/kWh) or of primary energy (MJ/kWh)."""
    not_negative("resources", per_kwh)
    return energy_facility * per_kwh


def embodied(
    total: Quantity,
    time: Quantity,
    lifetime: Quantity,
    *,
    share: Quantity,
    utilisation: Quantity,
    count: int = 1,
) -> Quantity:
    """The part of making a device that falls on ``time`` of its use.

    M = count x TE x (TiR / (EL x utilisation)) x (RR / ToR): total embodied, time reserved over
    expected lifespan, share of the device's resources reserved. ``utilisation`` is the part of
    the lifetime in which the device does paid work; 1 gives the formula of the Green Software
    Foundation's SCI 1.0 (ISO/IEC 21031:2024), "Embodied emissions".
    """
    not_negative("embodied", total)
    not_negative("time", time)
    a_share("share", share)
    a_share("utilisation", utilisation)
    above_zero("lifetime", lifetime)
    above_zero("utilisation", utilisation)
    # (time / lifetime) first: the times cancel, and the units with them
    return total * (time / (lifetime * utilisation)) * share * float(count)


def electricity_cost(energy_facility: Quantity, price: Quantity) -> Quantity:
    """Money for the electricity: E_facility x price (per kWh)."""
    not_negative("price", price)
    return energy_facility * price


def instance_cost(time: Quantity, price: Quantity, share: Quantity) -> Quantity:
    """Money for a rented machine: time x price (per hour) x share of the machine."""
    not_negative("time", time)
    not_negative("instance_price", price)
    a_share("share", share)
    return time * price * share


def software_carbon_intensity(operational: Quantity, embodied_carbon: Quantity) -> Quantity:
    """SCI = ((E x I) + M) per R, both already per functional unit R.

    Location-based: the SCI excludes market instruments. Source: Green Software Foundation, SCI
    Specification 1.0 (ISO/IEC 21031:2024).
    """
    return operational + embodied_carbon


def not_negative(field: str, quantity: Quantity) -> None:
    """Refuse a value below zero."""
    if quantity.known and quantity.bounds()[0] < 0:
        raise ImpactError(f"{field}: {quantity.bounds()[0]:g} {quantity.unit} is below zero")


def above_zero(field: str, quantity: Quantity) -> None:
    """Refuse a value that is not above zero."""
    if quantity.known and quantity.bounds()[0] <= 0:
        raise ImpactError(
            f"{field}: {quantity.bounds()[0]:g} {quantity.unit} is not greater than zero"
        )


def at_least_one(field: str, quantity: Quantity) -> None:
    """Refuse a ratio below one."""
    if quantity.known and quantity.bounds()[0] < 1:
        raise ImpactError(
            f"{field}: {quantity.bounds()[0]:g} is below 1: a building uses at least what its "
            "machines use"
        )


def a_share(field: str, quantity: Quantity) -> None:
    """Refuse a share that is not within 0 and 1."""
    if quantity.known and not (quantity.bounds()[0] >= 0 and quantity.bounds()[2] <= 1):
        raise ImpactError(f"{field}: {quantity.value:g} is not a share between 0 and 1")
