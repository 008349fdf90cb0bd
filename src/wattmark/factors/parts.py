"""Carbon of parts of countries, and what is said of a part that no table has.

States of the USA, provinces of China and Canada and Nordic bidding zones have figures of their own.
Any other part gets its country's figure with a note and a range that holds it: whatever a place of
the tables has, no dirtier than the dirtiest source that the country burns, and as clean only where
the country has a clean one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from wattmark.factors.factor import Factor, Source
from wattmark.factors.packaged import CODECARBON, LICENCES, installed, read_csv, read_json, title
from wattmark.factors.zones import Zone, plain
from wattmark.quantities import conversion_factor

#: 90 % of the 212 countries that both tables have differ by no more than this factor between
#: them (half of them by 1.06 or less); ``benchmarks/grid_tables.py`` computes it.
ONE_SOURCE_SPREAD = 1.33
WHOLE_COUNTRY = "of the whole country"
_NO_PART = f"{WHOLE_COUNTRY}: no table has the part; the range holds any that may be"

CODECARBON_URL = "https://github.com/mlco2/codecarbon"
COUNTRIES = "data/private_infra/global_energy_mix.json"
_STATES = "data/private_infra/2023/usa_emissions.json"
_CHINESE = "data/private_infra/2023/china_provincial_emissions.json"
_CANADIAN = "data/private_infra/2023/canada_energy_mix.json"
_NORDIC = "data/private_infra/nordic_emissions.json"
_SOURCES = "data/private_infra/carbon_intensity_per_source.json"
_CLOUDS = "data/cloud/impact.csv"

#: g/kWh: the least life-cycle figure published for what is burnt. Coal and gas: IPCC AR5 WG3
#: (2014), Annex III, table A.III.2; oil: IPCC SRREN (2011), Annex II, table A.II.4.
_LEAST_BURNT = {"coal": 740.0, "naturalGas": 410.0, "petroleum": 510.0}
#: Canada's table of mixes -> the table of sources. What the first calls other is taken for biomass.
_NAMED = {
    "naturalGas": "natural_gas",
    "hydro": "hydroelectricity",
    "tidal": "hydroelectricity",
    "other": "biomass",
}
#: Fuels by their names in the table of countries' mixes -> those in the table of sources.
_FUELS = {"coal_TWh": "coal", "oil_TWh": "petroleum", "gas_TWh": "natural_gas"}
#: A source under this share of a country's generation feeds no part of it alone.
_LEAST_SHARE = 0.01


def part_carbon(zone: Zone) -> Factor | None:
    """Carbon of a part of a country, kg/kWh; None for a whole country or an unlisted part."""
    if not zone.part or not installed(CODECARBON):
        return None
    if zone.country == "USA":
        return _state(zone)
    if zone.country == "CAN":
        return _canadian(zone)
    table = read_json(CODECARBON, _CHINESE if zone.country == "CHN" else _NORDIC)
    entry = table["data"].get(zone.part)
    if entry is None:
        return None
    return alone(zone, float(entry["emission_factor"]) / 1000, codecarbon(entry["year"]))


def held(country: Factor, low: float, high: float, note: str = _NO_PART) -> Factor:
    """A country's factor with a range that holds any part of it, and the note that says so."""
    if not country.quantity.known:
        return country
    least, value, most = country.quantity.bounds()
    return Factor.of(
        country.name,
        value,
        country.quantity.unit,
        *country.sources,
        low=min(least, low),
        high=max(most, high),
        note=f"{note}; {country.note}" if country.note else note,
    )


def carbon_of_any_part(country: str) -> tuple[float, float]:
    """The least and the most kg/kWh that a part of a country (ISO 3166-1 alpha-3) may have."""
    least, most = _extremes()
    if not installed(CODECARBON):
        return least, most
    mix = read_json(CODECARBON, COUNTRIES).get(country)
    total = float(mix["total_TWh"] or 0) if mix else 0.0
    if mix is None or total <= 0:
        return least, most
    factors = read_json(CODECARBON, _SOURCES)
    burnt = [
        float(factors[fuel]) / 1000
        for name, fuel in _FUELS.items()
        if float(mix.get(name) or 0) >= _LEAST_SHARE * total
    ]
    if burnt:
        most = min(most, max(burnt) * ONE_SOURCE_SPREAD)
        if float(mix.get("low_carbon_TWh") or 0) < _LEAST_SHARE * total:
            least = max(least, min(burnt) / ONE_SOURCE_SPREAD)
    else:
        most = min(most, float(factors["biomass"]) / 1000 * ONE_SOURCE_SPREAD)
    return least, most


def alone(zone: Zone, kg: float, source: Source) -> Factor:
    """Carbon of a place that one source has, kg/kWh."""
    return Factor.of(
        f"carbon of the grid of {zone.name}",
        kg,
        "kg/kWh",
        source,
        low=kg / ONE_SOURCE_SPREAD,
        high=kg * ONE_SOURCE_SPREAD,
        note=f"one source: range of a factor of {ONE_SOURCE_SPREAD}",
    )


def codecarbon(year: int | None) -> Source:
    """CodeCarbon's tables, of that year."""
    return Source(
        title=title(CODECARBON), url=CODECARBON_URL, year=year, licence=LICENCES[CODECARBON]
    )


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
            return alone(zone, kg, source)
    return None


def _canadian(zone: Zone) -> Factor | None:
    """A province by its mix and a factor a source; down to what is burnt alone, at its least."""
    name = plain(zone.name.removesuffix(", Canada"))
    mix: dict[str, float] | None = read_json(CODECARBON, _CANADIAN).get(name)
    if mix is None:
        return None
    factors = read_json(CODECARBON, _SOURCES)
    shares = {k: float(v) for k, v in mix.items() if k != "total"}
    total = sum(shares.values())
    kg = sum(v * float(factors[_NAMED.get(k, k)]) for k, v in shares.items()) / total / 1000
    burnt = sum(shares[k] * least for k, least in _LEAST_BURNT.items()) / total / 1000
    return Factor.of(
        f"carbon of the grid of {zone.name}",
        kg,
        "kg/kWh",
        codecarbon(2023),
        low=burnt / ONE_SOURCE_SPREAD,
        high=kg * ONE_SOURCE_SPREAD,
        note="mix of the province with a life-cycle factor a source; the low end counts fuel alone",
    )


@cache
def _extremes() -> tuple[float, float]:
    """The least and the most kg/kWh of all places that the tables have."""
    if not installed(CODECARBON):
        return 0.0, 1.31  # CodeCarbon's most
    countries = read_json(CODECARBON, COUNTRIES).values()
    grams: list[Any] = [entry.get("carbon_intensity") for entry in countries]
    grams += [row["impact"] for row in read_csv(CODECARBON, _CLOUDS)]
    found = [float(g) / 1000 for g in grams if g and float(g) > 0]
    return min(found), max(found)
