"""How a number reads to people: as many digits as its interval warrants, and never a false zero.

An estimate is rounded to two significant digits of its interval's half-width (the rule of the
GUM, JCGM 100:2008, 7.2.6); an exact figure shows up to four significant digits. A number that
this would round to zero keeps its first significant digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log10

from wattmark.quantities import Quantity, Reason
from wattmark.records import Rating
from wattmark.units import parse_unit

DASH = "—"
_GROUP = "\u202f"  # narrow no-break space between groups of three digits
_EXACT_DIGITS = 4
_MAX_DIGITS = 15
MOST_NAMES = 4  # that one list spells out


def _exponent(x: float) -> int:
    return floor(log10(abs(x)))


def _decimals(value: float, low: float, high: float) -> int:
    """Digits after the decimal point that the interval warrants; may be negative."""
    half = high / 2 - low / 2
    largest = max(abs(low), abs(value), abs(high))
    if largest == 0:
        return 0
    if half == 0:
        return _EXACT_DIGITS - 1 - _exponent(largest)
    return min(1 - _exponent(half), _MAX_DIGITS - 1 - _exponent(largest))


def number(x: float, places: int) -> str:
    """``x`` with that many decimals (tens and hundreds where negative); zero only where x is 0."""
    if x == 0:
        return "0"
    exponent = _exponent(x)
    if abs(x) < 0.5000001 * 10.0**-places:
        places = -exponent
    if not -4 <= exponent < 7:
        mantissa, power = f"{x:.{max(0, places + exponent)}e}".split("e")
        return f"{mantissa}e{int(power)}".replace("-", "−")
    text = f"{round(x, places):,.{max(places, 0)}f}"
    if "," in text:
        whole, _, fraction = text.partition(".")
        if len(whole.replace(",", "").lstrip("-")) < 5:
            whole = whole.replace(",", "")
        text = whole.replace(",", _GROUP) + (f".{fraction}" if fraction else "")
    return text.replace("-", "−")


def figure_texts(value: float, low: float, high: float) -> tuple[str, str]:
    """A value and its interval, without a unit: ``12.3`` and ``[11.8, 12.9]``.

    The second is empty where the interval has no width.
    """
    places = _decimals(value, low, high)
    text = number(value, places)
    if low != high:
        return text, f"[{number(low, places)}, {number(high, places)}]"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text, ""


def value_text(quantity: Quantity) -> str:
    """The value alone, without unit: ``12.3``, or ``— (no_meter)``."""
    if not quantity.known:
        return missing_text(quantity.reason)
    low, value, high = quantity.bounds()
    return figure_texts(value, low, high)[0]


def range_text(quantity: Quantity) -> str:
    """The interval alone: ``[11.8, 12.9]``; empty where there is none or no width."""
    if not quantity.known:
        return ""
    low, value, high = quantity.bounds()
    return figure_texts(value, low, high)[1]


def quantity_text(quantity: Quantity) -> str:
    """Value, interval and unit: ``12.3 [11.8, 12.9] ms``, or ``— (no_meter)``."""
    if quantity.value is None:
        return value_text(quantity)
    unit = "" if quantity.unit == "1" else quantity.unit
    return " ".join(part for part in (value_text(quantity), range_text(quantity), unit) if part)


def is_share(quantity: Quantity) -> bool:
    """Whether it is a share of 1, which reads better in percent."""
    return not parse_unit(quantity.unit)[0] and (quantity.high is None or quantity.high <= 1.0)


def percent_if_share(quantity: Quantity) -> Quantity:
    """The quantity in percent where it is a share of 1, else unchanged."""
    return quantity.to("%") if is_share(quantity) else quantity


def percent_if_shares(quantities: Iterable[Quantity]) -> list[Quantity]:
    """All in percent where each is a share of 1, else unchanged: they are to be set side by side.

    An error rate may pass 1 in one setup and not in another.
    """
    found = list(quantities)
    return [q.to("%") for q in found] if all(map(is_share, found)) else found


def missing_text(reason: Reason | str | None) -> str:
    """An em dash and why there is no figure: ``— (no_meter)``."""
    return f"{DASH} ({reason})" if reason else DASH


def probability_text(p: float) -> str:
    """A resampled probability in whole percent; never 0 % or 100 % where it is only near."""
    if p == 0:
        return "0 %"
    if p < 0.005:
        return "< 1 %"
    if p > 0.995:
        return "> 99 %"
    return f"{100 * p:.0f} %"


def stars_text(rating: Rating) -> str:
    """``4★ 87 %``: the stars and the probability of just these; else why there are none."""
    if rating.stars is None:
        return missing_text(rating.unrated_reason or "unrated")
    probability = rating.probabilities.get(rating.stars)
    suffix = "" if probability is None else f" {probability_text(probability)}"
    return f"{rating.stars}★{suffix}"


def duration_text(seconds: float) -> str:
    """``0.42 s``, ``38 s``, ``4 min``, ``4 min 12 s`` or ``2 h 5 min``."""
    if seconds < 10:
        return f"{number(seconds, 2)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    units = ("min", "s") if whole < 3600 else ("h", "min")
    large, small = divmod(whole, 60) if whole < 3600 else divmod(whole // 60, 60)
    return f"{large} {units[0]} {small} {units[1]}" if small else f"{large} {units[0]}"


def size_text(count: int) -> str:
    """A number of bytes in MiB or GiB, or in B below a hundredth of a MiB."""
    if count < 10_486:
        return f"{count} B"
    mebibytes = count / 2**20
    return f"{mebibytes / 1024:.2f} GiB" if mebibytes >= 1024 else f"{mebibytes:.3g} MiB"


def count_text(count: int, noun: str) -> str:
    """``1 setup``, ``3 setups``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def heading(text: str) -> str:
    """With a capital, unless the word is written with one further on (``mAP``)."""
    word = text.split(" ", 1)[0]
    return text if word != word.lower() else text[:1].upper() + text[1:]


def listing(names: Iterable[str]) -> str:
    """``a, b and c``; past :data:`MOST_NAMES` the rest is counted."""
    items = list(names)
    if len(items) > MOST_NAMES:
        items = [*items[: MOST_NAMES - 1], f"{len(items) - MOST_NAMES + 1} others"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
