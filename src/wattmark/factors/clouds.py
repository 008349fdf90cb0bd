"""Cloud providers and their zones: PUE, water on site, and the grid that feeds a zone.

Of Google's zones CodeCarbon ships Google's own carbon figures (location-based, yearly); other
providers publish none, so a zone has the figure of the country or state that it lies in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from wattmark.errors import UnknownNameError
from wattmark.factors.factor import Factor, Source
from wattmark.factors.grid import Grid, grid
from wattmark.factors.own import Figure, read_table
from wattmark.factors.packaged import CODECARBON, LICENCES, installed, read_csv, title
from wattmark.factors.parts import held
from wattmark.factors.zones import Zone, find_zone

#: Zones under this likeness to what was asked for are no advice.
_LIKENESS = 0.75


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
    return tuple(sorted({*_entry(provider)["zones"], *_listed(provider)}))


def cloud_grid(provider: str, zone: str) -> Grid:
    """The grid that feeds a provider's zone, or the zone that an availability zone is in.

    Raises UnknownNameError with the nearest names and where they lie, MissingPackageError without
    the tables.
    """
    provider = provider.strip().lower()
    asked = _zone(provider, zone)
    listed, found = _listed(provider).get(asked), grid(_around(provider, asked))
    called = f"{provider} {asked}, {found.zone.name}"
    found = replace(found, zone=replace(found.zone, code=asked, name=called))
    if listed is not None and listed["impact"]:
        return replace(found, carbon=_published(called, listed, found.carbon))
    return found if found.zone.part else _within(found)


def _published(called: str, listed: dict[str, str], around: Factor) -> Factor:
    """The provider's own figure of a zone, with the range of the country or state around it."""
    source = Source(
        title=f"{listed['providerName']}, in {title(CODECARBON)}",
        url=listed["source"],
        licence=LICENCES[CODECARBON],
    )
    kg = float(listed["impact"]) / 1000
    return Factor.of(
        f"carbon of the grid of {called}",
        kg,
        "kg/kWh",
        source,
        *around.sources,
        low=min(kg, around.quantity.low or kg),
        high=max(kg, around.quantity.high or kg),
        note="value of the provider, range with that of the country or state",
    )


def _within(country: Grid) -> Grid:
    """A country's grid for a zone in it: its range takes in Google's figures of zones there.

    Two zones of one country may differ (Sydney and Melbourne by a tenth), and only Google says so.
    """
    carbon = country.carbon
    there = [
        float(row["impact"]) / 1000
        for row in _listed("gcp").values()
        if row["impact"] and find_zone(row["countryIsoCode"]).country == country.zone.country
    ]
    if not carbon.quantity.known:
        return country
    low, _, high = carbon.quantity.bounds()
    note = "of the country that the zone lies in" + (", range with Google's there" if there else "")
    return replace(
        country, carbon=held(carbon, min(low, *there, high), max(high, *there, low), note)
    )


def _zone(provider: str, text: str) -> str:
    """The zone that is asked for: us-east-1 for us-east-1a, us-central1 for us-central1-b,
    eastus for East US. Raises UnknownNameError.
    """
    known, asked = zones(provider), text.strip().lower()
    spelt = _entry(provider).get("misspelt", {}).get(asked, asked)
    for name in (spelt, asked.replace(" ", ""), re.sub(r"(?<=\d)-?[a-z]$", "", asked)):
        if name in known:
            return name
    near = get_close_matches(asked, known, n=3, cutoff=_LIKENESS)
    lie = ", ".join(f"{name} lies in {_around(provider, name).name}" for name in near)
    raise UnknownNameError(
        f"zone of {provider}",
        asked,
        known,
        nearest=near,
        hint=(f"({lie}.) " if lie else "")
        + "Or name the country or state that it lies in: --region, with --pue",
    )


def _around(provider: str, zone: str) -> Zone:
    """The country or state that a zone lies in."""
    own = _entry(provider)["zones"].get(zone)
    return find_zone(own if own is not None else _listed(provider)[zone]["countryIsoCode"])


def _entry(provider: str) -> dict[str, Any]:
    table: dict[str, dict[str, Any]] = read_table("clouds")
    if provider.strip().lower() not in table:
        raise UnknownNameError("cloud provider", provider, table)
    return table[provider.strip().lower()]


def _listed(provider: str) -> dict[str, dict[str, str]]:
    """The rows of CodeCarbon's table of Google's zones by their names; none of another provider."""
    if provider != "gcp" or not installed(CODECARBON):
        return {}
    slips: dict[str, str] = _entry(provider)["misspelt"]
    rows = read_csv(CODECARBON, "data/cloud/impact.csv")
    return {
        slips.get(row["region"], row["region"]): row for row in rows if row["provider"] == provider
    }
