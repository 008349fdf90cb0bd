"""A batch-size curve as a table and a chart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wattmark.advice.sweep_points import SweepPoint
from wattmark.formatting import DASH, size_text
from wattmark.quantities import Quantity, Reason
from wattmark.reports.cells import Column, Row, Table, figure_cell, missing_cell, text_cell

COLUMNS = (
    Column("setup", "Setup", numeric=False),
    Column("batch", "Batch"),
    Column("latency_p50", "Latency p50", "ms"),
    Column("latency_p99", "Latency p99", "ms"),
    Column("throughput", "Throughput", "query/s"),
    Column("energy", "Energy per query", "J/query"),
    Column("memory", "Peak memory"),
)


def sweep_table(points: Iterable[SweepPoint]) -> Table:
    """A row for each setup and batch; a failed one says why."""
    rows = []
    for point in sorted(points, key=lambda p: (p.label, p.batch)):
        latency, memory = point.result.latency, point.peak_rss_bytes
        none = Quantity.missing("ms", Reason.TRIAL_FAILED)
        figures = (
            latency.p50 if latency else none,
            latency.p99 if latency else none,
            point.throughput,
            point.energy_per_query,
        )
        cells = (
            missing_cell(point.failure) if point.failure else figure_cell(figure)
            for figure in figures
        )
        rows.append(
            Row(
                trial=point.label,
                baseline=False,
                gate_passed=None,
                failure=point.failure,
                cells=(
                    text_cell(point.label),
                    text_cell(str(point.batch)),
                    *cells,
                    text_cell(DASH if memory is None else size_text(memory)),
                ),
            )
        )
    return Table(COLUMNS, tuple(rows))


def sweep_chart(points: Iterable[SweepPoint]) -> dict[str, Any]:
    """Vega-Lite specification: throughput and energy against batch size, a line a setup."""
    values = [
        {
            "setup": point.label,
            "batch": point.batch,
            "throughput": point.throughput.value,
            "energy": point.energy_per_query.value,
        }
        for point in points
        if not point.failure
    ]

    def panel(field: str, title: str) -> dict[str, Any]:
        return {
            "width": 300,
            "height": 240,
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": {
                    "field": "batch",
                    "type": "quantitative",
                    "scale": {"type": "log", "base": 2},
                    "axis": {"title": "batch", "grid": False},
                },
                "y": {"field": field, "type": "quantitative", "axis": {"title": title}},
                "color": {"field": "setup", "type": "nominal", "title": "setup"},
            },
        }

    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": values},
        "hconcat": [
            panel("throughput", "queries per second"),
            panel("energy", "joules per query"),
        ],
    }
