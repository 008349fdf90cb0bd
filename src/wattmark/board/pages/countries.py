"""The reader's country, and what a result costs there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from wattmark.board.pages.views import energy_of
from wattmark.errors import MissingPackageError
from wattmark.impact import Place, Use, assess
from wattmark.impact.site import Site
from wattmark.quantities import Quantity, Reason
from wattmark.reports.impact_table import cell, on_basis
from wattmark.workflows.placing import place

#: Where nothing says where the reader is.
WORLD = "WORLD"
#: Lines of impact that a board can tell: what needs a building, a contract or a device is not here.
SHOWN = (
    "energy_facility",
    "carbon_location",
    "water_off_site",
    "adpe_electricity",
    "primary_electricity",
)
_THOUSAND = Quantity.exact(1000.0, "query")


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Codes (ISO 3166-1 alpha-2) and names, by name; only the world where no table is installed."""
    try:
        import pycountry
    except ImportError:
        return ((WORLD, "World"),)
    named = [(c.alpha_2, getattr(c, "common_name", c.name)) for c in pycountry.countries]
    return ((WORLD, "World"), *sorted(named, key=lambda pair: pair[1]))


def country_of(asked: str | None, languages: str) -> str:
    """The country that was asked for, else the region of a browser's first language, else WORLD."""
    known = {code for code, _ in countries()}
    if asked and asked.upper() in known:
        return asked.upper()
    regions: list[str] = re.findall(r"\b[A-Za-z]{2,3}-([A-Z]{2})\b", languages[:200])
    for region in regions:
        if region in known:
            return region
    return WORLD


def impact_in(row: Mapping[Any, Any], country: str) -> tuple[list[dict[str, str]], str]:
    """Lines of impact of 1 000 queries in a country, each with title, figure and formula.

    And a remark: empty, or which package is missing.
    """
    energy = Quantity.missing("J/query", Reason.NOT_MEASURED)
    if row["energy_wh"] is not None:
        energy = energy_of(row) / _THOUSAND
    time = Quantity.missing("s/query", Reason.NOT_GIVEN)
    try:
        placed = _place(country)
    except MissingPackageError as error:
        return [], str(error)
    impact = assess(Use(row["setup"], energy, time, "query"), placed)
    lines = []
    for key in SHOWN:
        line = impact.line(key)
        figure = line.quantity * _THOUSAND if line.quantity.known else line.quantity
        if line.group == "energy":
            figure = figure.to("Wh")
        sources = {str(s) for factor in line.factors for s in factor.sources}
        lines.append(
            {
                "title": line.title,
                "figure": cell(on_basis(figure)),
                "formula": line.formula,
                "sources": "; ".join(sorted(sources)),
            }
        )
    return lines, ""


@lru_cache(maxsize=300)
def _place(country: str) -> Place:
    return place(Site(region=country))[0]
