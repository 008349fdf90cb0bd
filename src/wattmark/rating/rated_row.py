"""The flat rated row of a result: its field list, from which all flat forms of it derive.

These are the entry of an edition, the table that ``wattmark rate`` makes of stored runs, the
board's database row, and what the board hands out. A field of :class:`EntryFields` goes into all
of them, one of :class:`RatedRow` into those of the board. In tables a field has its own name, or
the one in ``COLUMN_NAMES``. Energies are in Wh a query, latencies in ms; what is missing is None.

A field that is added to entries is optional and marked ``LEFT_OUT_IF_NONE``, so that the digests
of editions stay what they are.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict

from wattmark.formatting import percent_if_share, quantity_text
from wattmark.quantities import Quantity, Reason
from wattmark.rating.energy_scale import scale_name
from wattmark.rating.model_class import class_within
from wattmark.records import Quality, Result, Run
from wattmark.records.base import LEFT_OUT_IF_NONE
from wattmark.records.reading import (
    comparable_per_query,
    energy_per_correct,
    energy_per_query,
    median_latency,
)

#: The grade of an energy that is missing.
UNKNOWN = "unknown"

#: Names that fields have in tables, where these are not their own.
COLUMN_NAMES = {
    "model_class": "class",
    "quality": "quality_text",
    "quality_value": "quality",
    "low_wh": "energy_wh_low",
    "high_wh": "energy_wh_high",
    "level": "energy_wh_level",
    "comparable_low_wh": "energy_wh_comparable_low",
    "comparable_high_wh": "energy_wh_comparable_high",
    "scale": "energy_wh_scale",
    "idle_effect": "energy_wh_idle_effect",
}


class EntryFields(BaseModel):
    """What an edition keeps of a result: all that its star depends on, and what is shown beside it.

    ``level`` is that of ``low_wh`` and ``high_wh``. The comparable interval counts among rows of
    the same ``scale``, and ``idle_effect`` is the part of it that they share: see
    :mod:`wattmark.rating.distributions`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run: str
    task: str
    model: str
    model_class: str = ""
    setup: str
    hardware: str
    grade: str = UNKNOWN
    gate_passed: bool | None = None
    quality: str = ""
    energy_wh: float | None = None
    low_wh: float | None = None
    high_wh: float | None = None
    level: float | None = None
    comparable_low_wh: float | None = None
    comparable_high_wh: float | None = None
    scale: str = ""
    idle_effect: Annotated[float | None, LEFT_OUT_IF_NONE] = None


class RatedRow(EntryFields):
    """A result as one flat row.

    ``quality_value`` is in the unit of its metric; ``energy_missing`` is the code of why there is
    no energy.
    """

    model_digest: str
    framework: str
    precision: str
    measured_at: str
    quality_metric: str = ""
    quality_value: float | None = None
    quality_low: float | None = None
    quality_high: float | None = None
    energy_missing: str | None = None
    latency_p50_ms: float | None = None
    latency_p50_ms_low: float | None = None
    latency_p50_ms_high: float | None = None
    energy_per_correct_wh: float | None = None

    @classmethod
    def of(cls, run: Run, result: Result) -> Self:
        """The row of a result of a run."""
        setup, quality = result.trial.setup, result.quality
        energy = energy_per_query(result) or Quantity.missing("Wh/query", Reason.NO_METER)
        own = comparable_per_query(result)
        low, value, high = _bounds(energy, "Wh/query")
        own_low, _, own_high = _bounds(own.energy if own else None, "Wh/query")
        p50_low, p50, p50_high = _bounds(median_latency(result), "ms")
        quality_low, quality_value, quality_high = _bounds(quality.value if quality else None)
        return cls(
            run=run.id,
            task=run.task.name,
            model=run.model.name,
            model_class=class_within(run.task.name, run.model.parameters),
            setup=result.id,
            hardware=run.environment.hardware,
            grade=energy.grade.value if energy.grade else UNKNOWN,
            gate_passed=quality.gate_passed if quality else None,
            quality=_quality_text(quality),
            energy_wh=value,
            low_wh=low,
            high_wh=high,
            level=energy.level,
            comparable_low_wh=own_low,
            comparable_high_wh=own_high,
            scale=scale_name(own.scale, run.environment) if own else "",
            idle_effect=own.idle_effect if own else None,
            model_digest=run.model.digest,
            framework=setup.framework,
            precision=setup.precision.value,
            measured_at=run.created_at,
            quality_metric=quality.metric if quality else "",
            quality_value=quality_value,
            quality_low=quality_low,
            quality_high=quality_high,
            energy_missing=energy.reason.value if energy.reason else None,
            latency_p50_ms=p50,
            latency_p50_ms_low=p50_low,
            latency_p50_ms_high=p50_high,
            energy_per_correct_wh=_bounds(energy_per_correct(result), "Wh/correct")[1],
        )

    def entry_fields(self) -> dict[str, Any]:
        """What an edition keeps, by the names that it has there."""
        return {name: getattr(self, name) for name in EntryFields.model_fields}

    def as_rated_table(self) -> dict[str, Any]:
        """A row of the table that is rated; quality as text stays out of it."""
        kept = self.entry_fields()
        del kept["quality"]
        return {column_name(name): value for name, value in kept.items()}


def column_name(field: str) -> str:
    """The name of a row's field in tables."""
    return COLUMN_NAMES.get(field, field)


def _bounds(quantity: Quantity | None, unit: str = "") -> tuple[float | None, ...]:
    """(low, value, high) in the unit ("": its own); three times None where it is missing."""
    if quantity is None or not quantity.known:
        return None, None, None
    return (quantity.to(unit) if unit else quantity).bounds()


def _quality_text(quality: Quality | None) -> str:
    if quality is None or not quality.value.known:
        return ""
    return f"{quality.metric} {quantity_text(percent_if_share(quality.value))}"
