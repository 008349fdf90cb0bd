"""Impact as a document for machines: every line with its quantity, formula and factors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wattmark.impact import Impact
from wattmark.quantities import Quantity
from wattmark.reports.impact_table import bases, in_own_unit

#: 2: all bases of a line are in the line's own unit.
VERSION = 2


def document(impacts: Mapping[str, Impact], volume: Quantity | None) -> dict[str, Any]:
    """``impacts`` by name of setup or place; quantities as in all records."""
    return {
        "impact_version": VERSION,
        "impacts": {name: _impact(impact, volume) for name, impact in impacts.items()},
    }


def render_impact_json(impacts: Mapping[str, Impact], volume: Quantity | None) -> str:
    """The document as text."""
    return json.dumps(document(impacts, volume), indent=2, ensure_ascii=False)


def _impact(impact: Impact, volume: Quantity | None) -> dict[str, Any]:
    return {
        "use": impact.use.name,
        "place": impact.place.name,
        "lines": [
            {
                "key": line.key,
                "title": line.title,
                "group": line.group,
                "formula": line.formula,
                "bases": {
                    title: in_own_unit(line.quantity, basis).model_dump(mode="json")
                    for title, basis in bases(impact, volume)
                },
                "factors": [f.model_dump(mode="json") for f in line.factors],
            }
            for line in impact.lines
        ],
    }
