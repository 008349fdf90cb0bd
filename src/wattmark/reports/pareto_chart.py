"""Quality against cost with intervals and the front: a Vega-Lite specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.rating.pareto import Placed, Standing

#: Of an axis whose intervals leave out what all points share.
AMONG = " (intervals: among setups of this machine)"


def pareto_chart(
    placed: Sequence[Placed], cost: str, metric: str, *, higher_is_better: bool = True
) -> dict[str, Any]:
    """Points with both intervals; shape and colour tell the standing, a line joins the front.

    Up is better: the axis of a metric of which less is better is turned. Where the costs share a
    scale, their intervals are those that count among them, and the axis says so.
    """
    rows = []
    for p in placed:
        value = p.point.cost.bounds()[1]
        low, _, high = (p.point.among or p.point.cost).bounds()
        q_low, quality, q_high = p.point.quality.bounds()
        rows.append(
            {"name": p.point.name, "standing": str(p.standing), "x": value, "y": quality}
            | {"x1": low, "x2": high, "y1": q_low, "y2": q_high}
        )
    unit = placed[0].point.cost.unit
    scale = {"zero": False}
    turned = {"zero": False, "reverse": not higher_is_better}
    title = f"{cost}, {unit}" + (AMONG if any(p.point.among for p in placed) else "")
    x = {"field": "x", "type": "quantitative", "title": title, "scale": scale}
    y = {"field": "y", "type": "quantitative", "title": metric, "scale": turned}
    standing = {"field": "standing", "type": "nominal", "title": None, "legend": {"orient": "top"}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 520,
        "height": 320,
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "rule", "opacity": 0.4},
                "encoding": {"x": x | {"field": "x1"}, "x2": {"field": "x2"}, "y": y},
            },
            {
                "mark": {"type": "rule", "opacity": 0.4},
                "encoding": {"x": x, "y": y | {"field": "y1"}, "y2": {"field": "y2"}},
            },
            {
                "transform": [{"filter": f"datum.standing == '{Standing.FRONT}'"}],
                "mark": {"type": "line", "interpolate": "step-after", "color": "#666"},
                "encoding": {"x": x, "y": y},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80},
                "encoding": {"x": x, "y": y, "shape": standing, "color": standing},
            },
            {
                "mark": {
                    "type": "text",
                    "align": "left",
                    "dx": 8,
                    "dy": -6,
                    "fontSize": 9,
                    "angle": 320,
                },
                "encoding": {"x": x, "y": y, "text": {"field": "name"}},
            },
        ],
    }
