"""Places: countries by their ISO 3166 codes or names in use, and parts of countries.

A country is written ``FR``, ``FRA``, ``France`` or as it is commonly called (``UK``, ``Turkey``);
a part of one ``US-CA``, ``CN-BJ`` (ISO 3166-2), by its name where only one part has it
(``Quebec``), or ``SE3`` (bidding zone); all of the world ``WORLD``. A territory that ISO 3166-1
lists (``US-PR``, ``CN-HK``) is that place. Case, accents and dots do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from wattmark.errors import MissingPackageError, UnknownNameError
from wattmark.factors.own import read_table

WORLD = "WORLD"
#: ISO 3166-1 leaves XK and XKX to its users, who all write Kosovo with it.
_KOSOVO = ("XK", "Kosovo", "XKX")
_HINT = "Write a country (FR, France), a part of one by ISO 3166-2 (US-CA), or a bidding zone (SE3)"
#: Names under this likeness to what was asked for are no advice.
_LIKENESS = 0.7
#: How codes of parts look: US-CA, SE3
_PART = re.compile(r"([A-Z]{2})(?:-[A-Z0-9]{1,4}|[0-9]+)")


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
    """The place of that code or name.

    Raises UnknownNameError with the nearest names, for a part those of the same country;
    MissingPackageError without ``pycountry``.
    """
    asked, code = plain(text), text.strip().upper()
    if asked in (WORLD.lower(), "wor"):
        return Zone(WORLD, "World", "WOR")
    if (found := _countries().get(asked)) is not None:
        return found
    if (part := _part(code)) is not None:
        return part
    named = _parts_named().get(asked, ())
    if len(named) == 1:
        return _subdivision(named[0])
    raise _unknown(text.strip(), asked, code, named)


def plain(name: str) -> str:
    """A name without case, accents and punctuation: ``Côte d'Ivoire`` is ``cote d ivoire``."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    return " ".join(kept.split())


@cache
def _countries() -> dict[str, Zone]:
    """Countries by all that they are called, plainly written."""
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
        official = getattr(country, "official_name", name)
        for key in (country.alpha_2, country.alpha_3, name, country.name, official):
            names[plain(key)] = zone
    names |= {plain(key): Zone(*_KOSOVO) for key in _KOSOVO}
    for alias, code in read_table("places")["aliases"].items():
        names[alias] = names[plain(code)]
    return names


@cache
def _parts_named() -> dict[str, tuple[str, ...]]:
    """Codes of the parts of countries by their names, plainly written."""
    import pycountry

    found: defaultdict[str, set[str]] = defaultdict(set)
    for part in pycountry.subdivisions:
        name = re.sub(r"\[.*\]|\(.*\)", "", part.name)
        found[plain(name)].add(part.code)
    return {name: tuple(sorted(codes)) for name, codes in found.items()}


def _part(code: str) -> Zone | None:
    """The part of that code: a territory, a bidding zone (also as SE-SE3), or of ISO 3166-2."""
    import pycountry

    places = read_table("places")
    if (territory := places["territories"].get(code)) is not None:
        return _countries()[plain(territory)]
    zone = code[3:] if code[:3] == f"{code[3:5]}-" else code
    if zone in places["bidding_zones"].get(zone[:2], ()):
        country = _countries()[plain(zone[:2])]
        return Zone(zone, f"{country.name}, bidding zone {zone}", country.country, zone)
    found: Any = pycountry.subdivisions
    return None if found.get(code=code) is None else _subdivision(code)


def _subdivision(code: str) -> Zone:
    import pycountry

    if (territory := read_table("places")["territories"].get(code)) is not None:
        return _countries()[plain(territory)]
    found: Any = pycountry.subdivisions
    part = found.get(code=code)
    country = _countries()[plain(part.country_code)]
    return Zone(code, f"{part.name}, {country.name}", country.country, code)


def _unknown(text: str, asked: str, code: str, named: Iterable[str]) -> UnknownNameError:
    """What to say of a place that is not known: names of the same country, or that look alike."""
    countries = _countries()
    known = {z.name for z in countries.values()} | {z.code for z in countries.values()}
    if several := tuple(named):
        return UnknownNameError("region", text, known, nearest=several, hint="All are called so.")
    found = _PART.fullmatch(code)
    if found and plain(found[1]) in countries:
        return _unknown_part(text, code, countries[plain(found[1])])
    by_name = {plain(z.name): z.name for z in countries.values()}
    by_name |= {name: codes[0] for name, codes in _parts_named().items() if len(codes) == 1}
    near = get_close_matches(asked, by_name, n=3, cutoff=_LIKENESS) if len(asked) > 3 else []
    if not near and len(asked) > 3:
        first = asked.split()[0]
        near = sorted(name for name in by_name if len(first) > 3 and name.startswith(first))[:3]
    return UnknownNameError("region", text, known, nearest=[by_name[n] for n in near], hint=_HINT)


def _unknown_part(text: str, code: str, country: Zone) -> UnknownNameError:
    import pycountry

    prefix = country.code
    bidding = read_table("places")["bidding_zones"].get(prefix, [])
    parts: Any = pycountry.subdivisions
    listed = [part.code for part in parts.get(country_code=prefix) or ()]
    known = sorted([*bidding, *listed])
    if "-" in code:
        near = get_close_matches(code, known, n=3, cutoff=_LIKENESS)
    else:
        near = bidding or [prefix]
    return UnknownNameError(
        "region",
        text,
        known,
        nearest=near,
        hint=f"Parts of {country.name} are written by ISO 3166-2; {prefix} is all of it",
    )
