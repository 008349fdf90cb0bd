"""Energies with two significant digits, rounded to the side on which a claim stays true."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

_PREFIXES = ((9, "G"), (6, "M"), (3, "k"), (0, ""), (-3, "m"), (-6, "µ"), (-9, "n"))
_PREFIXED = ("Wh", "J")
_MOST_DIGITS = 17


def rounded(
    energy: float,
    *,
    down: bool,
    fits: Callable[[float], bool] | None = None,
    most_digits: int = _MOST_DIGITS,
) -> float:
    """``energy`` with two significant digits, or as many more as it takes until it ``fits``.

    Never above it where ``down``, else never below it; itself where nothing fits.
    """
    direction = ROUND_FLOOR if down else ROUND_CEILING
    for digits in range(2, most_digits + 1):
        shortest = Decimal(repr(energy))
        found = float(Context(prec=digits, rounding=direction).create_decimal(shortest))
        if fits is None or fits(found):
            return found
    return energy


def energy_text(energy: float, unit: str) -> str:
    """``0.61 Wh``, ``610 µWh``: all digits that it has, with a prefix where the unit takes one."""
    value, shown = Decimal(repr(energy)), unit
    if unit in _PREFIXED and value:
        power = 3 * (value.adjusted() // 3)
        power = 0 if value.adjusted() == -1 else max(-9, min(9, power))  # 0.61 Wh, not 610 mWh
        value, shown = value.scaleb(-power), dict(_PREFIXES)[power] + unit
    return f"{value.normalize():f} {shown}".rstrip()


def percent_text(percent: float) -> str:
    """``−8 %``, ``+12 %``: two significant digits, never less than what it takes."""
    size = Context(prec=2, rounding=ROUND_CEILING).create_decimal(repr(abs(round(percent, 6))))
    return f"{'−' if percent < 0 else '+'}{size.normalize():f} %"
