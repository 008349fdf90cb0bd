"""A run's results as rows of the board."""

from __future__ import annotations

import re
from typing import Any

from wattmark import registry
from wattmark.board.shelf import tables
from wattmark.errors import RefusedError
from wattmark.rating.rated_row import RatedRow
from wattmark.records import Bundle, Result
from wattmark.records.canonical import sha256_of
from wattmark.records.reading import ok

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: In place of a figure that is missing, where rows are ordered: such rows come last.
LAST = 1e300


def rows_of(bundle: Bundle) -> list[dict[str, Any]]:
    """One row of ``board_results`` for each setup that gave a result.

    Raises RefusedError where a name is longer than its column, or none that an address can hold.
    """
    rows = [_row(bundle, result) for result in bundle.run.results if ok(result)]
    for row in rows:
        for name, value in row.items():
            most = getattr(tables.results.c[name].type, "length", None)
            if isinstance(value, str) and most is not None and len(value) > most:
                raise RefusedError(422, "too_long", f"{name} has over {most} characters")
            if isinstance(value, str) and _CONTROL.search(value):
                raise RefusedError(422, "bad_name", f"{name} {value[:60]!r} has control characters")
        if {".", ".."} & set(row["model"].split("/")):
            raise RefusedError(422, "bad_name", f"model {row['model']!r} is a path, not a name")
    return rows


def order_of(
    task: str, energy: float | None, quality: float | None, latency: float | None
) -> dict[str, float]:
    """What a result is sorted by, the best first and what is missing last."""
    sign = -1.0 if registry.higher_is_better(task) else 1.0
    return {
        "energy_order": LAST if energy is None else energy,
        "quality_order": LAST if quality is None else sign * quality,
        "latency_order": LAST if latency is None else latency,
    }


def _row(bundle: Bundle, result: Result) -> dict[str, Any]:
    row = RatedRow.of(bundle.run, result)
    return {
        "sha256": sha256_of(bundle.result_document(result.id)),
        "bundle": bundle.digest,
        **{tables.name_of(field): getattr(row, field) for field in RatedRow.model_fields},
    }
