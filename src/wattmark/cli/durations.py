"""Durations as people type them."""

from __future__ import annotations

import typer

_FACTORS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration_s(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``50ms``, ``4m`` or ``1.5h``."""
    unit = next((unit for unit in _FACTORS if text.endswith(unit)), "")
    try:
        seconds = float(text.removesuffix(unit)) * _FACTORS.get(unit, 1.0)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise typer.BadParameter(f"{text!r} is not a duration such as 50ms, 90s, 4m or 1h")
    return seconds
