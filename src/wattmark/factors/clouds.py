"""Cloud providers and their zones: PUE, water on site, and the grid that feeds a zone.

Of Google's zones CodeCarbon ships Google's own carbon figures (location-based, yearly); other
providers publish none, so a zone has the figure of the country or state that it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from wattmark.errors import UnknownNameError
from wattmark.factors.factor import Factor, Source
from wattmark.factors.grid import Grid, grid
from wattmark.factors.own import Figure, read_table
from wattmark.factors.packaged import CODECARBON, LICENCES, read_csv, title
from wattmark.factors.zones import find_zone


@dataclass(frozen=True)
class Cloud:
    """A provider's own factors: ``pue`` without unit, ``wue_site`` in L/kWh of IT energy."""

    provider: str
    pue: Factor
    wue_site: Factor


def providers() -> tuple[str, ...]:
    """Names of the providers that have an entry."""
    return tuple(sorted(read_table("clouds")))


def cloud(provider: str) -> Cloud:
    """A provider's factors. Raises UnknownNameError."""
    entry = _entry(provider)
    source = Source(**entry["source"])
    return Cloud(
        provider,
        Figure(**entry["pue"]).factor(f"PUE of {entry['name']}", "1", source),
        Figure(**entry["wue_site"]).factor(f"WUE on site of {entry['name']}", "L/kWh", source),
    )


def zones(provider: str) -> tuple[str, ...]:
    """Names of a provider's zones. Raises UnknownNameError, MissingPackageError."""
    entry = _entry(provider)
    if "zones" in entry:
        return tuple(sorted(entry["zones"]))
    return tuple(sorted(row["region"] for row in _listed(provider)))


def cloud_grid(provider: str, zone: str) -> Grid:
    """The grid that feeds a provider's zone.

    Raises UnknownNameError with the nearest names, MissingPackageError without the tables.
    """
    entry, asked = _entry(provider), zone.strip().lower()
    if asked not in zones(provider):
        raise UnknownNameError(f"zone of {provider}", asked, zones(provider))
    if "zones" in entry:
        found = grid(find_zone(entry["zones"][asked]))
        return replace(found, zone=replace(found.zone, code=asked, name=f"{provider} {asked}"))
    row = next(r for r in _listed(provider) if r["region"] == asked)
    country = grid(find_zone(row["countryIsoCode"]))
    place = replace(country.zone, code=asked, name=f"{provider} {asked}, {country.zone.name}")
    if not row["impact"]:
        return replace(country, zone=place)
    source = Source(
        title=f"{row['providerName']}, in {title(CODECARBON)}",
        url=row["source"],
        licence=LICENCES[CODECARBON],
    )
    kg = float(row["impact"]) / 1000
    carbon = Factor.of(
        f"carbon of the grid of {provider} {asked}",
        kg,
        "kg/kWh",
        source,
        *country.carbon.sources,
        low=min(kg, country.carbon.quantity.low or kg),
        high=max(kg, country.carbon.quantity.high or kg),
        note="value of the provider, range with the country's",
    )
    return replace(country, zone=place, carbon=carbon)


def _entry(provider: str) -> dict[str, Any]:
    table: dict[str, dict[str, Any]] = read_table("clouds")
    if provider.strip().lower() not in table:
        raise UnknownNameError("cloud provider", provider, table)
    return table[provider.strip().lower()]


def _listed(provider: str) -> list[dict[str, str]]:
    rows = read_csv(CODECARBON, "data/cloud/impact.csv")
    return [row for row in rows if row["provider"] == provider.strip().lower()]
