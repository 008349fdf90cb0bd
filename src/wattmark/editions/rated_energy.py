"""What of a result is rated: its energy with both intervals, and the scale that it shares."""

from __future__ import annotations

from typing import Any

from wattmark.editions.energy_scale import scale_name
from wattmark.records import Result, Run
from wattmark.reports.rows import comparable_per_query, energy_per_query


def rated_energy(run: Run, result: Result) -> dict[str, Any]:
    """The fields of an edition's entry that hold its energy: in Wh a query, None where missing."""
    energy, comparable = energy_per_query(result), comparable_per_query(result)
    known = energy if energy is not None and energy.known else None
    low, value, high = known.to("Wh/query").bounds() if known else (None,) * 3
    own = comparable.energy.to("Wh/query").bounds() if comparable else (None,) * 3
    return {
        "energy_wh": value,
        "low_wh": low,
        "high_wh": high,
        "level": known.level if known else None,
        "comparable_low_wh": own[0],
        "comparable_high_wh": own[2],
        "scale": scale_name(comparable.scale, run.environment) if comparable else "",
    }
