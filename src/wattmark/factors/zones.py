"""Places: countries by their ISO 3166 codes or English names, and parts of some countries.

A country is written ``FR``, ``FRA`` or ``France``; a part of one ``US-CA``, ``CN-BJ`` (ISO 3166-2)
or ``SE3`` (Nordic bidding zone); all of the world ``WORLD``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from wattmark.errors import MissingPackageError, UnknownNameError

#: Countries whose bidding zones are named by their ISO 3166-1 alpha-2 code and a number.
_BIDDING_ZONES = ("DK", "FI", "NO", "SE")
WORLD = "WORLD"


@dataclass(frozen=True)
class Zone:
    """A place: its code as users write it, its name, its country, and its part of the country.

    ``country`` is ISO 3166-1 alpha-3, or ``WOR`` for all of the world; ``part`` is empty for a
    whole country.
    """

    code: str
    name: str
    country: str
    part: str = ""


def find_zone(text: str) -> Zone:
    """The place of that code or name, in any case.

    Raises UnknownNameError with the nearest names, MissingPackageError without ``pycountry``.
    """
    asked = text.strip()
    if asked.upper() in (WORLD, "WOR"):
        return Zone(WORLD, "World", "WOR")
    by_name = _names()
    if (found := by_name.get(asked.casefold())) is not None:
        return found
    if (part := _part(asked.upper())) is not None:
        return part
    known = {z.name for z in by_name.values()} | {z.code for z in by_name.values()}
    near = asked.upper() if len(asked) <= 3 else asked.title()
    raise UnknownNameError("region", near, known)


@cache
def _names() -> dict[str, Zone]:
    try:
        import pycountry
    except ImportError:
        raise MissingPackageError(
            "pycountry is not installed, and names of countries are needed: "
            "pip install 'wattmark[impact]'"
        ) from None
    names: dict[str, Zone] = {}
    for country in pycountry.countries:
        name = getattr(country, "common_name", country.name)
        zone = Zone(country.alpha_2, name, country.alpha_3)
        for key in (country.alpha_2, country.alpha_3, name, country.name):
            names[key.casefold()] = zone
    return names


def _part(code: str) -> Zone | None:
    import pycountry

    prefix, number = code[:2], code[2:]
    if prefix in _BIDDING_ZONES and number.isdigit():
        country = _names()[prefix.casefold()]
        return Zone(code, f"{country.name}, bidding zone {code}", country.country, code)
    found: Any = pycountry.subdivisions
    part = found.get(code=code)
    if part is None:
        return None
    country = _names()[part.country_code.casefold()]
    return Zone(code, f"{part.name}, {country.name}", country.country, code)
