"""The chart of ``wattmark meter validate``: error against length of the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.metrology.validation import Row


def validation_chart(rows: Sequence[Row]) -> dict[str, Any]:
    """Vega-Lite specification: the 95 % quantile of the error, a line for each sensor and mode."""
    values = [
        {
            "sensor": row.sensor + (", shifted repeats" if row.shifted else ""),
            "window": row.window_s,
            "error": 100.0 * row.error_p95,
        }
        for row in rows
        if row.error_p95 is not None
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {
            "text": "How far a figure is off, by sensor and length of window",
            "subtitle": "95 % of the simulated windows err by less; refused windows are not drawn",
            "anchor": "start",
        },
        "width": 560,
        "height": 300,
        "data": {"values": values},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {
                "field": "window",
                "type": "quantitative",
                "scale": {"type": "log"},
                "axis": {"title": "window in s", "values": [0.5, 1, 2, 5, 10, 30], "grid": False},
            },
            "y": {
                "field": "error",
                "type": "quantitative",
                "scale": {"type": "log"},
                "axis": {"title": "error in %", "values": [0.3, 1, 3, 10, 30, 60]},
            },
            "color": {"field": "sensor", "type": "nominal", "title": "update-averaging in ms"},
            "strokeDash": {"field": "sensor", "type": "nominal"},
        },
    }
