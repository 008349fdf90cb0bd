"""A run's results as rows of the board."""

from __future__ import annotations

import re
from typing import Any

from wattmark import registry
from wattmark.board.shelf import tables
from wattmark.editions.edition_files import entry_of
from wattmark.errors import RefusedError
from wattmark.quantities import Quantity
from wattmark.records import Bundle, Result
from wattmark.records.domains import total
from wattmark.reports.rows import energy_per_query, ok

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
    run, setup = bundle.run, result.trial.setup
    entry = entry_of(bundle, result)
    energy = energy_per_query(result)
    missing = str(energy.reason) if energy is not None and energy.reason else None
    quality = result.quality.value if result.quality else None
    p50 = result.latency.p50.to("ms") if result.latency else None
    per_correct = total((e.domain, e.per_correct) for e in result.energy)
    return {
        "sha256": entry.result_sha256,
        "bundle": bundle.digest,
        "run_id": run.id,
        "measured_at": run.created_at,
        "task": entry.task,
        "model": entry.model,
        "model_digest": run.model.digest,
        "model_class": entry.model_class,
        "setup": entry.setup,
        "framework": setup.framework,
        "precision": setup.precision.value,
        "hardware": entry.hardware,
        "grade": entry.grade,
        "gate_passed": entry.gate_passed,
        "quality_metric": result.quality.metric if result.quality else "",
        "quality_text": entry.quality,
        **_bounds("quality", quality),
        "energy_wh": entry.energy_wh,
        "energy_wh_low": entry.low_wh,
        "energy_wh_high": entry.high_wh,
        "energy_level": entry.level,
        "energy_wh_comparable_low": entry.comparable_low_wh,
        "energy_wh_comparable_high": entry.comparable_high_wh,
        "energy_wh_scale": entry.scale,
        "energy_missing": missing if energy is not None else "no_meter",
        **_bounds("latency_p50_ms", p50),
        "energy_per_correct_wh": _value(per_correct, "Wh/correct"),
    }


def _bounds(name: str, quantity: Quantity | None) -> dict[str, float | None]:
    low, value, high = quantity.bounds() if quantity and quantity.known else (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _value(quantity: Quantity | None, unit: str) -> float | None:
    return quantity.to(unit).bounds()[1] if quantity is not None and quantity.known else None
