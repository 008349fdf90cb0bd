"""Carbon of a grid at this hour, from a live signal: Electricity Maps, or the UK's own.

Electricity Maps answers for the zones of the world and needs a token
(``ELECTRICITYMAPS_TOKEN``); the Carbon Intensity API of Great Britain needs none and is asked
for GB where there is no token. The yearly average stands in where neither answers; the caller
says so. One request, ten seconds at most, and nothing is sent but the zone.
"""

from __future__ import annotations

import os
from urllib.parse import quote

from wattmark.errors import SignalError
from wattmark.factors.factor import Factor, Source
from wattmark.factors.web import ask
from wattmark.factors.zones import Zone

TOKEN = "ELECTRICITYMAPS_TOKEN"
#: Where the services are asked, for those who run a proxy or a copy of them.
ELECTRICITY_MAPS_URL = "WATTMARK_ELECTRICITY_MAPS_URL"
UK_URL = "WATTMARK_UK_CARBON_URL"


def carbon_now(zone: Zone) -> Factor:
    """Carbon of the zone's grid at this hour, in kg/kWh.

    Raises SignalError that says which signal was asked and what came of it.
    """
    token = os.environ.get(TOKEN)
    if token:
        return _electricity_maps(zone, token)
    if zone.country == "GBR":
        return _great_britain(zone)
    raise SignalError(
        f"no live signal for {zone.name}: set {TOKEN} (Electricity Maps); only GB has one without"
    )


def _electricity_maps(zone: Zone, token: str) -> Factor:
    base = os.environ.get(ELECTRICITY_MAPS_URL, "https://api.electricitymaps.com")
    url = f"{base}/v3/carbon-intensity/latest?zone={quote(_map_zone(zone))}"
    answer = ask(url, {"auth-token": token})
    try:
        grams, at = float(answer["carbonIntensity"]), str(answer["datetime"])
    except (KeyError, TypeError, ValueError):
        raise SignalError(f"{url} answered in a form that cannot be read") from None
    estimated = ", estimated" if answer.get("isEstimated") else ""
    return _factor(
        zone, grams, "Electricity Maps", "https://www.electricitymaps.com", at, estimated
    )


def _map_zone(zone: Zone) -> str:
    """Electricity Maps writes SE3 as SE-SE3; other parts and countries as ISO does."""
    bidding = zone.part and "-" not in zone.part
    return f"{zone.part[:2]}-{zone.part}" if bidding else zone.code


def _great_britain(zone: Zone) -> Factor:
    url = f"{os.environ.get(UK_URL, 'https://api.carbonintensity.org.uk')}/intensity"
    answer = ask(url, {})
    try:
        period = answer["data"][0]
        measured = period["intensity"]["actual"]
        grams = float(period["intensity"]["forecast"] if measured is None else measured)
        at = str(period["from"])
    except (KeyError, IndexError, TypeError, ValueError):
        raise SignalError(f"{url} answered in a form that cannot be read") from None
    forecast = ", forecast" if measured is None else ""
    return _factor(
        zone, grams, "Carbon Intensity API (NESO)", "https://carbonintensity.org.uk", at, forecast
    )


def _factor(zone: Zone, grams: float, title: str, url: str, at: str, how: str) -> Factor:
    if grams < 0:
        raise SignalError(f"{title} gave {grams:g} g/kWh, which no grid has")
    year = int(at[:4]) if at[:4].isdigit() else None
    source = Source(title=title, url=url, year=year)
    return Factor.of(
        f"carbon of the grid of {zone.name} at {at}",
        grams / 1000,
        "kg/kWh",
        source,
        note=f"live signal{how}; the service states no range",
    )
