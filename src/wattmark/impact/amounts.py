"""Amounts as people write them: ``1.2kWh``, ``5e6/day``, ``0.25 EUR/kWh``, ``h100:8``."""

from __future__ import annotations

import math
import re

from wattmark.errors import ImpactError, UnitError
from wattmark.quantities import Quantity, conversion_factor

_NUMBER = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*\Z")
_PERIODS = {"s": "s", "h": "h", "hour": "h", "day": "day", "d": "day", "year": "year", "y": "year"}
_MONTHS = 12.0


def parse_energy(text: str) -> Quantity:
    """An amount of energy such as ``1.2kWh`` or ``300 J``. Raises ImpactError."""
    value, unit = split(text, "energy")
    try:
        conversion_factor(unit, "J")
    except UnitError:
        raise ImpactError(
            f"energy: {text!r} is not an amount of energy such as 1.2kWh, 300J or 2MWh"
        ) from None
    if value < 0:
        raise ImpactError(f"energy: {text!r} is below zero")
    return Quantity.exact(value, unit)


def is_energy(text: str) -> bool:
    """Whether the text is written as an amount of energy is: a number, then a unit."""
    found = _NUMBER.match(text)
    return found is not None and bool(re.fullmatch(r"[kMGmu]?(Wh|J)", found[2]))


def parse_volume(text: str) -> Quantity:
    """Queries over time such as ``5e6/day``, in query/year. Raises ImpactError."""
    value, rest = split(text, "volume")
    period = rest.removeprefix("/").removeprefix("per ").strip().rstrip(".")
    if value < 0:
        raise ImpactError(f"volume: {text!r} is below zero")
    if not rest:
        raise ImpactError(f"volume: {text!r} has no period: write {text.strip()}/day or /year")
    if period in ("month", "mo"):
        return Quantity.exact(value * _MONTHS, "query/year")
    if period not in _PERIODS:
        known = ", ".join(("s", "h", "day", "month", "year"))
        raise ImpactError(f"volume: {text!r} has an unknown period {period!r}: use one of {known}")
    return Quantity.exact(value, f"query/{_PERIODS[period]}").to("query/year")


def in_a_year(volume: Quantity) -> Quantity:
    """The queries of one year at that volume."""
    return (volume * Quantity.exact(1.0, "year")).to("query")


def parse_price(text: str, per: str, field: str) -> Quantity:
    """Money per ``per`` such as ``0.25 EUR/kWh``, in USD or EUR. Raises ImpactError."""
    value, unit = split(text, field)
    if value < 0:
        raise ImpactError(f"{field}: {text!r} is below zero")
    for currency in ("EUR", "USD"):
        if unit.upper() in (currency, f"{currency}/{per}".upper()):
            return Quantity.exact(value, f"{currency}/{per}")
    raise ImpactError(f"{field}: {text!r} is not a price such as 0.25EUR/{per} or 0.25USD/{per}")


def parse_count(text: str) -> tuple[str, int]:
    """A device and how many: ``h100:8`` is ("h100", 8), ``h100`` one. Raises ImpactError."""
    name, _, count = text.partition(":")
    if not name or (count and not (count.isdigit() and int(count))):
        raise ImpactError(f"device: {text!r} is not a name and a count such as h100:8")
    return name.strip(), int(count or 1)


def split(text: str, field: str) -> tuple[float, str]:
    """The number that the text begins with, and the rest. Raises ImpactError."""
    found = _NUMBER.match(text)
    value = float(found[1].replace("_", "")) if found else math.nan
    if found is None or not math.isfinite(value):
        raise ImpactError(f"{field}: {text!r} does not begin with a number")
    return value, found[2]
