"""Amounts as people write them: ``1.2kWh``, ``5e6/day``, ``0.25 EUR/kWh``, ``h100:8``."""

from __future__ import annotations

import math
import re

from wattmark.errors import ImpactError
from wattmark.quantities import Quantity

_NUMBER = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*\Z", re.ASCII)
#: What is left of a number that was written with a decimal comma, or in groups.
_GROUPED = re.compile(r"[,.'’_]?\s*\d", re.ASCII)
#: Text that begins as an amount does; a run's id has a dash after its digits.
_AMOUNT = re.compile(r"\s*[+-]?[.,]?\d[\d.,_'’\s]*(?:[eE][+-]?\d+)?\s*[^\W\d_].*", re.DOTALL)
_ENERGIES = (
    *("uJ", "mJ", "J", "kJ", "MJ", "GJ", "TJ"),
    *("uWh", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh"),
)
#: Periods as people write them -> their unit, and how many of it.
_PERIODS = {
    **dict.fromkeys(("s", "sec", "second"), ("s", 1.0)),
    **dict.fromkeys(("min", "minute"), ("s", 60.0)),
    **dict.fromkeys(("h", "hr", "hour"), ("h", 1.0)),
    **dict.fromkeys(("d", "day"), ("day", 1.0)),
    **dict.fromkeys(("w", "week"), ("day", 7.0)),
    **dict.fromkeys(("mo", "month"), ("year", 1 / 12)),
    **dict.fromkeys(("y", "yr", "year", "a"), ("year", 1.0)),
}
_QUERIES = re.compile(r"(?:quer(?:y|ies)|requests?)\b\s*")


def parse_energy(text: str) -> Quantity:
    """An amount of energy such as ``1.2kWh`` or ``300 J``; its unit in any case that is clear.

    Raises ImpactError, also where the case decides and is wrong: ``mwh`` is mWh or MWh.
    """
    value, given = split(text, "energy")
    same = [unit for unit in _ENERGIES if unit.casefold() == given.replace("µ", "u").casefold()]
    if given in _ENERGIES:
        same = [given]
    if not same:
        raise ImpactError(
            f"energy: {text!r} is not an amount of energy such as 1.2kWh, 300J or 2MWh"
        )
    if len(same) > 1:
        raise ImpactError(f"energy: {text!r}: write {' or '.join(same)}, which differ")
    if value < 0:
        raise ImpactError(f"energy: {text!r} is below zero")
    return Quantity.exact(value, same[0])


def is_energy(text: str) -> bool:
    """Whether the text is meant as an amount, right or wrong: a number, then letters."""
    return bool(_AMOUNT.fullmatch(text))


def parse_volume(text: str) -> Quantity:
    """Queries over time such as ``5e6/day``, in query/year. Raises ImpactError."""
    value, rest = split(text, "volume")
    said = _QUERIES.sub("", rest.casefold())
    period = said.removeprefix("/").removeprefix("per ").strip().rstrip(".")
    if value < 0:
        raise ImpactError(f"volume: {text!r} is below zero")
    if not period:
        raise ImpactError(f"volume: {text!r} has no period: write {text.strip()}/day or /year")
    found = _PERIODS.get(period) or _PERIODS.get(period.removesuffix("s"))
    if found is None:
        known = ", ".join(("s", "min", "h", "day", "week", "month", "year"))
        raise ImpactError(f"volume: {text!r} has an unknown period {period!r}: use one of {known}")
    unit, count = found
    return Quantity.exact(value / count, f"query/{unit}").to("query/year")


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
    if not name or (count and not (re.fullmatch("[0-9]{1,9}", count) and int(count))):
        raise ImpactError(f"device: {text!r} is not a name and a count such as h100:8")
    return name.strip(), int(count or 1)


def split(text: str, field: str) -> tuple[float, str]:
    """The number that the text begins with, and the rest. Raises ImpactError."""
    found = _NUMBER.match(text)
    if found is None:
        raise ImpactError(f"{field}: {text!r} does not begin with a number")
    if _GROUPED.match(found[2]):
        raise ImpactError(
            f"{field}: {text!r}: write the number with a decimal point and without separators, "
            "such as 1.2 or 1200"
        )
    value = float(found[1].replace("_", ""))
    if not math.isfinite(value):
        raise ImpactError(f"{field}: {text!r} is too large a number")
    return value, found[2]
