"""Energy over queries: training first, then each query; a Vega-Lite specification."""

from __future__ import annotations

from typing import Any

from wattmark.impact.lifetime import Lifetime
from wattmark.quantities import Quantity

_POINTS = 60


def lifetime_chart(life: Lifetime, old_per_query: Quantity | None = None) -> dict[str, Any]:
    """Cumulative energy in kWh against queries; with the old model's line, where there is one.

    Bands are the intervals. The old model's training is spent already and not counted again.
    """
    last = life.queries.bounds()[1]
    rows = _rows("training and inference", life.training, life.per_query, last)
    if old_per_query is not None and old_per_query.known:
        nothing = Quantity.exact(0.0, "kWh")
        rows += _rows("old model, inference only", nothing, old_per_query, last)
    x = {"field": "queries", "type": "quantitative", "title": "queries", "axis": {"format": "~s"}}
    y = {"type": "quantitative", "title": "energy of the facility, kWh"}
    colour = {"field": "model", "type": "nominal", "title": None, "legend": {"orient": "top"}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 520,
        "height": 300,
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.25},
                "encoding": {
                    "x": x,
                    "y": {"field": "low", **y},
                    "y2": {"field": "high"},
                    "color": colour,
                },
            },
            {"mark": "line", "encoding": {"x": x, "y": {"field": "kwh", **y}, "color": colour}},
        ],
    }


def _rows(model: str, start: Quantity, per_query: Quantity, last: float) -> list[dict[str, Any]]:
    rows = []
    for step in range(_POINTS + 1):
        queries = last * step / _POINTS
        spent = start + (per_query * Quantity.exact(queries, "query")).to("kWh")
        low, value, high = spent.bounds()
        rows.append({"model": model, "queries": queries, "kwh": value, "low": low, "high": high})
    return rows
