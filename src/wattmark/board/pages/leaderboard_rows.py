"""Rows of leaderboards as HTML, kept for as long as what they show is the same.

Rows take most of a page's time, and a change of the board leaves nearly all of them as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from wattmark.board.pages.views import energy_unit, view
from wattmark.board.web.rendering import render_macro

_FIGURES = ("quality", "energy_wh", "latency_p50_ms")
#: The columns that a row is made of.
_SHOWN = (
    *("id", "edition", "task", "model", "setup", "framework", "precision", "hardware", "grade"),
    *(f"{name}{end}" for name in _FIGURES for end in ("", "_low", "_high")),
    *("quality_metric", "energy_missing", "gate_passed", "measured_at", "run_id", "bundle"),
    *("stars", "probability", "distance_pct", "unrated_reason"),
)
#: Each takes about 2.5 kB.
_MOST_ROWS = 20_000


def rows_html(rows: Sequence[Mapping[Any, Any]]) -> tuple[list[Markup], str]:
    """The cells of each row (`catalogue.page`) but its place, and the unit of their energies."""
    unit = energy_unit(rows)
    return [_cells(tuple(row[name] for name in _SHOWN), unit) for row in rows], unit


@lru_cache(maxsize=_MOST_ROWS)
def _cells(values: tuple[Any, ...], unit: str) -> Markup:
    row = view(dict(zip(_SHOWN, values, strict=True)), unit)
    return render_macro("leaderboard_row.html", "cells", row)
