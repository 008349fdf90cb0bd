"""What a kilowatt-hour from the grid of a place carries: greenhouse gases, water, resources.

Yearly averages, location-based. Countries: both CodeCarbon's and EcoLogits' tables are read; the
value is EcoLogits' (the newer), and the range spans both. Where only one has the place, the range
is a factor of ``ONE_SOURCE_SPREAD`` to either side. Parts of countries have a figure for carbon
only (:mod:`wattmark.factors.parts`); the rest is the country's, with a note and a range over all
countries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from wattmark.factors.factor import Factor, Source
from wattmark.factors.packaged import (
    CODECARBON,
    ECOLOGITS,
    LICENCES,
    installed,
    read_json,
    title,
)
from wattmark.factors.parts import (
    COUNTRIES,
    ONE_SOURCE_SPREAD,
    WHOLE_COUNTRY,
    alone,
    carbon_of_any_part,
    codecarbon,
    held,
    part_carbon,
)
from wattmark.factors.zones import Zone
from wattmark.quantities import Reason

_MIXES = "data/electricity_mixes.json"

ECOLOGITS_URL = "https://ecologits.ai"


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

    @property
    def of_whole_country(self) -> tuple[str, ...]:
        """What of it is the country's, where the place is a part of one."""
        kinds = (
            ("carbon", self.carbon),
            ("water", self.water),
            ("minerals", self.adpe),
            ("primary energy", self.primary_energy),
        )
        return tuple(kind for kind, f in kinds if f.note.startswith(WHOLE_COUNTRY))


def grid(zone: Zone) -> Grid:
    """The factors of a place's grid. Raises MissingPackageError where neither table is there."""
    if not installed(CODECARBON):
        read_json(ECOLOGITS, _MIXES)  # raises where it is not there either
    mix = _mix(zone.country)
    carbon = part_carbon(zone)
    if carbon is None:
        carbon = _country_carbon(zone, mix)
        carbon = held(carbon, *carbon_of_any_part(zone.country)) if zone.part else carbon
    return Grid(
        zone=zone,
        carbon=carbon,
        water=_from_mix(zone, mix, "wue", "water of the grid", "L/kWh"),
        adpe=_from_mix(zone, mix, "adpe", "resources of the grid (ADPe)", "kgSb/kWh"),
        primary_energy=_from_mix(zone, mix, "pe", "primary energy of the grid", "MJ/kWh"),
    )


def _country_carbon(zone: Zone, mix: dict[str, object] | None) -> Factor:
    found: list[tuple[float, Source]] = []
    if mix is not None and isinstance(mix["gwp"], float) and mix["gwp"] > 0:  # 0: not known
        found.append((mix["gwp"], _ecologits()))
    if (listed := _codecarbon_country(zone)) is not None:
        found.append(listed)
    if not found:
        return Factor.missing(
            f"carbon of the grid of {zone.name}",
            "kg/kWh",
            Reason.NO_FACTOR,
            f"no table has {zone.name}: give grid_carbon in a site",
        )
    if len(found) == 1:
        return alone(zone, *found[0])
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
    entry = read_json(CODECARBON, COUNTRIES).get(zone.country)
    if entry is None or not entry.get("carbon_intensity"):
        return None
    return float(entry["carbon_intensity"]) / 1000, codecarbon(entry.get("year"))


def _mix(country: str) -> dict[str, object] | None:
    if not installed(ECOLOGITS):
        return None
    mixes = read_json(ECOLOGITS, _MIXES)["electricity_mixes"]
    return next((m for m in mixes if m["name"] == country), None)


def _from_mix(zone: Zone, mix: dict[str, object] | None, key: str, name: str, unit: str) -> Factor:
    name = f"{name} of {zone.name}"
    value = mix.get(key) if mix is not None else None
    if mix is None or not isinstance(value, float) or value <= 0:
        return Factor.missing(name, unit, Reason.NO_FACTOR, f"no table has {zone.name}")
    warnings = mix.get("warnings") or ()
    of_world = isinstance(warnings, list | tuple) and f"electricity-mix-{key}-world" in warnings
    whole = Factor.of(
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
    return held(whole, *_of_any_country(key)) if zone.part else whole


@cache
def _of_any_country(key: str) -> tuple[float, float]:
    """The least and the most of all countries that the table has a figure of."""
    mixes = read_json(ECOLOGITS, _MIXES)["electricity_mixes"]
    values = [m[key] for m in mixes if isinstance(m.get(key), float) and m[key] > 0]
    return min(values), max(values)


def _ecologits() -> Source:
    return Source(title=title(ECOLOGITS), url=ECOLOGITS_URL, licence=LICENCES[ECOLOGITS])
