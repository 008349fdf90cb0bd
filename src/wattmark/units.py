"""Units: what they measure and how they convert. This is the one module that owns units.

A unit is a word made of known atoms, ``*`` and ``/``, such as ``"J/query"`` or ``"kg/kWh"``.
"""

from __future__ import annotations

from functools import lru_cache

from wattmark.errors import UnitError

#: atom -> (exponents of the base dimensions, factor to the base unit)
_ATOMS: dict[str, tuple[dict[str, int], float]] = {
    "1": ({}, 1.0),
    "%": ({}, 0.01),
    "s": ({"s": 1}, 1.0),
    "ms": ({"s": 1}, 1e-3),
    "us": ({"s": 1}, 1e-6),
    "ns": ({"s": 1}, 1e-9),
    "h": ({"s": 1}, 3600.0),
    "day": ({"s": 1}, 86400.0),
    "year": ({"s": 1}, 365 * 86400.0),
    "J": ({"J": 1}, 1.0),
    "mJ": ({"J": 1}, 1e-3),
    "uJ": ({"J": 1}, 1e-6),
    "Wh": ({"J": 1}, 3600.0),
    "uWh": ({"J": 1}, 3.6e-3),
    "mWh": ({"J": 1}, 3.6),
    "kWh": ({"J": 1}, 3.6e6),
    "MWh": ({"J": 1}, 3.6e9),
    "GWh": ({"J": 1}, 3.6e12),
    "TWh": ({"J": 1}, 3.6e15),
    "kJ": ({"J": 1}, 1e3),
    "MJ": ({"J": 1}, 1e6),
    "GJ": ({"J": 1}, 1e9),
    "TJ": ({"J": 1}, 1e12),
    "W": ({"J": 1, "s": -1}, 1.0),
    "mW": ({"J": 1, "s": -1}, 1e-3),
    "kW": ({"J": 1, "s": -1}, 1e3),
    "g": ({"g": 1}, 1.0),
    "kg": ({"g": 1}, 1e3),
    "mg": ({"g": 1}, 1e-3),
    "ng": ({"g": 1}, 1e-9),
    "ug": ({"g": 1}, 1e-6),
    "t": ({"g": 1}, 1e6),
    "lb": ({"g": 1}, 453.59237),
    "gSb": ({"gSb": 1}, 1.0),
    "kgSb": ({"gSb": 1}, 1e3),
    "mgSb": ({"gSb": 1}, 1e-3),
    "ngSb": ({"gSb": 1}, 1e-9),
    "ugSb": ({"gSb": 1}, 1e-6),
    "L": ({"L": 1}, 1.0),
    "mL": ({"L": 1}, 1e-3),
    "nL": ({"L": 1}, 1e-9),
    "uL": ({"L": 1}, 1e-6),
    "m3": ({"L": 1}, 1e3),
    "B": ({"B": 1}, 1.0),
    "MiB": ({"B": 1}, 1048576.0),
    "bit": ({"bit": 1}, 1.0),  # of information: no part of a byte of memory
    "FLOP": ({"FLOP": 1}, 1.0),
    "GFLOP": ({"FLOP": 1}, 1e9),
    "query": ({"query": 1}, 1.0),
    "kquery": ({"query": 1}, 1e3),
    "correct": ({"correct": 1}, 1.0),
    "token": ({"token": 1}, 1.0),
    "call": ({"call": 1}, 1.0),
    "step": ({"step": 1}, 1.0),
    "image": ({"image": 1}, 1.0),
    "USD": ({"USD": 1}, 1.0),
    "EUR": ({"EUR": 1}, 1.0),
}


@lru_cache(maxsize=512)
def parse_unit(unit: str) -> tuple[tuple[tuple[str, int], ...], float]:
    """Dimensions and factor of a unit such as ``"J/query"`` or ``"kg/kWh"``.

    Everything after a ``/`` up to the next ``*`` or ``/`` is in the denominator.
    Raises UnitError for an unknown atom.
    """
    exponents: dict[str, int] = {}
    factor = 1.0
    sign = 1
    token = ""
    for char in unit + "*":
        if char not in "*/":
            token += char
            continue
        if token not in _ATOMS:
            raise UnitError(f"unknown unit {token!r} in {unit!r}; known: {', '.join(_ATOMS)}")
        dimensions, scale = _ATOMS[token]
        factor *= scale**sign
        for base, power in dimensions.items():
            exponents[base] = exponents.get(base, 0) + sign * power
        sign = -1 if char == "/" else 1
        token = ""
    return tuple(sorted((b, p) for b, p in exponents.items() if p)), factor


def conversion_factor(source: str, target: str) -> float:
    """The number that turns a value in ``source`` into a value in ``target``. Raises UnitError."""
    source_dimensions, source_factor = parse_unit(source)
    target_dimensions, target_factor = parse_unit(target)
    if source_dimensions != target_dimensions:
        raise UnitError(f"{source!r} cannot be expressed in {target!r}")
    return source_factor / target_factor


def _canonical_unit(dimensions: dict[str, int]) -> str:
    above = [b for b, p in sorted(dimensions.items()) for _ in range(max(p, 0))]
    below = [b for b, p in sorted(dimensions.items()) for _ in range(max(-p, 0))]
    return "/".join(["*".join(above) or "1", *below])


def combined_unit(left: str, right: str, sign: int) -> tuple[str, float]:
    """Base unit of left·right (sign 1) or left/right (sign -1), and the factor to reach it."""
    left_dimensions, left_factor = parse_unit(left)
    right_dimensions, right_factor = parse_unit(right)
    total = dict(left_dimensions)
    for base, power in right_dimensions:
        total[base] = total.get(base, 0) + sign * power
    return _canonical_unit(total), left_factor * right_factor**sign
