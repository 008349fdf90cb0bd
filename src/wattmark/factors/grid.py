"""What a kilowatt-hour from the grid of a place carries: greenhouse gases, water, resources.

Yearly averages, location-based. Countries: both CodeCarbon's and EcoLogits' tables are read; the
value is EcoLogits' (the newer), and the range spans both. Where only one has the place, the range
is a factor of ``ONE_SOURCE_SPREAD`` to either side. Parts of countries (states of the USA,
provinces of China, Nordic bidding zones) have a figure for carbon only; the rest is the country's.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.factors.factor import Factor, Source
from wattmark.factors.packaged import (
    CODECARBON,
    ECOLOGITS,
    LICENCES,
    installed,
    read_json,
    title,
)
from wattmark.factors.zones import Zone
from wattmark.quantities import Reason, conversion_factor

#: 90 % of the 212 countries that both tables have differ by no more than this factor between
#: them (half of them by 1.06 or less); ``benchmarks/grid_tables.py`` computes it.
ONE_SOURCE_SPREAD = 1.33

_MIXES = "data/electricity_mixes.json"
_COUNTRIES = "data/private_infra/global_energy_mix.json"
_STATES = "data/private_infra/2023/usa_emissions.json"
_PROVINCES = "data/private_infra/2023/china_provincial_emissions.json"
_NORDIC = "data/private_infra/nordic_emissions.json"

ECOLOGITS_URL = "https://ecologits.ai"
CODECARBON_URL = "https://github.com/mlco2/codecarbon"


@dataclass(frozen=True)
class Grid:
    """Per kWh drawn from the grid: kg CO2e, L of water consumed, kg Sb eq., MJ of primary energy.

    ``carbon`` in kg/kWh, ``water`` (off site, by the plants) in L/kWh, ``adpe`` in kgSb/kWh,
    ``primary_energy`` in MJ/kWh; each may be missing with its reason.
    """

    zone: Zone
    carbon: Factor
    water: Factor
    adpe: Factor
    primary_energy: Factor


def grid(zone: Zone) -> Grid:
    """The factors of a place's grid. Raises MissingPackageError where neither table is there."""
    if not installed(CODECARBON):
        read_json(ECOLOGITS, _MIXES)  # raises where it is not there either
    mix = _mix(zone.country)
    return Grid(
        zone=zone,
        carbon=part_carbon(zone) or _country_carbon(zone, mix),
        water=_from_mix(zone, mix, "wue", "water of the grid", "L/kWh"),
        adpe=_from_mix(zone, mix, "adpe", "resources of the grid (ADPe)", "kgSb/kWh"),
        primary_energy=_from_mix(zone, mix, "pe", "primary energy of the grid", "MJ/kWh"),
    )


def part_carbon(zone: Zone) -> Factor | None:
    """Carbon of a part of a country; None for a whole country or an unlisted part."""
    if not zone.part or not installed(CODECARBON):
        return None
    if zone.country == "USA":
        return _state(zone)
    path = _PROVINCES if zone.country == "CHN" else _NORDIC
    entry = read_json(CODECARBON, path)["data"].get(zone.part)
    if entry is None:
        return None
    source = _codecarbon(entry["year"])
    return _alone(zone, float(entry["emission_factor"]) / 1000, source)


def _state(zone: Zone) -> Factor | None:
    table = read_json(CODECARBON, _STATES)
    code = zone.part.removeprefix("US-")
    for entry in table.values():
        if entry.get("regionCode") == code and "emissions" in entry:
            kg = float(entry["emissions"]) * conversion_factor("lb/MWh", "kg/kWh")
            origin = table["_source"]
            source = Source(
                title=f"{origin['name']}, in {title(CODECARBON)}",
                url=origin["url"],
                year=origin["year"],
                licence="public domain",
            )
            return _alone(zone, kg, source)
    return None


def _alone(zone: Zone, kg: float, source: Source) -> Factor:
    return Factor.of(
        f"carbon of the grid of {zone.name}",
        kg,
        "kg/kWh",
        source,
        low=kg / ONE_SOURCE_SPREAD,
        high=kg * ONE_SOURCE_SPREAD,
        note=f"one source: range of a factor of {ONE_SOURCE_SPREAD}",
    )


def _country_carbon(zone: Zone, mix: dict[str, object] | None) -> Factor:
    found: list[tuple[float, Source]] = []
    if mix is not None and isinstance(mix["gwp"], float):
        found.append((mix["gwp"], _ecologits()))
    if (listed := _codecarbon_country(zone)) is not None:
        found.append(listed)
    if not found:
        return Factor.missing(
            f"carbon of the grid of {zone.name}", "kg/kWh", Reason.NO_FACTOR, zone.name
        )
    if len(found) == 1:
        return _alone(zone, *found[0])
    values = [kg for kg, _ in found]
    return Factor.of(
        f"carbon of the grid of {zone.name}",
        values[0],
        "kg/kWh",
        *(source for _, source in found),
        low=min(values),
        high=max(values),
        note="value of the first source, range over both",
    )


def _codecarbon_country(zone: Zone) -> tuple[float, Source] | None:
    if not installed(CODECARBON):
        return None
    entry = read_json(CODECARBON, _COUNTRIES).get(zone.country)
    if entry is None or not entry.get("carbon_intensity"):
        return None
    return float(entry["carbon_intensity"]) / 1000, _codecarbon(entry.get("year"))


def _mix(country: str) -> dict[str, object] | None:
    if not installed(ECOLOGITS):
        return None
    mixes = read_json(ECOLOGITS, _MIXES)["electricity_mixes"]
    return next((m for m in mixes if m["name"] == country), None)


def _from_mix(zone: Zone, mix: dict[str, object] | None, key: str, name: str, unit: str) -> Factor:
    name = f"{name} of {zone.name}"
    value = mix.get(key) if mix is not None else None
    if mix is None or not isinstance(value, float):
        return Factor.missing(name, unit, Reason.NO_FACTOR, zone.name)
    warnings = mix.get("warnings") or ()
    of_world = isinstance(warnings, list | tuple) and f"electricity-mix-{key}-world" in warnings
    return Factor.of(
        name,
        value,
        unit,
        _ecologits(),
        low=value / ONE_SOURCE_SPREAD,
        high=value * ONE_SOURCE_SPREAD,
        note=(
            "the world's average: the table has none of the country"
            if of_world
            else f"one source: range of a factor of {ONE_SOURCE_SPREAD}, as for carbon"
        ),
    )


def _ecologits() -> Source:
    return Source(title=title(ECOLOGITS), url=ECOLOGITS_URL, licence=LICENCES[ECOLOGITS])


def _codecarbon(year: int | None) -> Source:
    return Source(
        title=title(CODECARBON), url=CODECARBON_URL, year=year, licence=LICENCES[CODECARBON]
    )
