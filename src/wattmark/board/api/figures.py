"""Results as the API gives them: every figure with its unit and interval, or why it is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

_LEVEL = "Confidence level of the interval; null where only the result's document has it."


class Figure(BaseModel):
    """A value with its interval; all null with a ``reason`` where it is missing, and never 0."""

    model_config = ConfigDict(extra="forbid")

    value: float | None
    low: float | None
    high: float | None
    level: float | None = Field(description=_LEVEL)
    unit: str
    grade: str | None = Field(description="How an energy was obtained: metered ... parametric.")
    reason: str | None = Field(description="The code of why there is no value.")

    @classmethod
    def of(cls, row: RowMapping, name: str, unit: str, **more: Any) -> Self:
        """The figure in the columns ``name``, ``name_low`` and ``name_high``."""
        value = row[name]
        known = value is not None
        return cls(
            value=value,
            low=row[f"{name}_low"],
            high=row[f"{name}_high"],
            unit=unit,
            level=more.get("level") if known else None,
            grade=more.get("grade") if known else None,
            reason=None if known else more.get("reason") or "not_measured",
        )


class QualityFigure(BaseModel):
    """Quality by the task's metric, in its own unit (a share lies between 0 and 1)."""

    model_config = ConfigDict(extra="forbid")

    metric: str
    value: float | None
    low: float | None
    high: float | None
    gate_passed: bool | None = Field(description="null where nobody judged it")
    reason: str | None = Field(description="The code of why there is no value.")


class Standing(BaseModel):
    """The place of a result in an edition: its population and its star."""

    model_config = ConfigDict(extra="forbid")

    edition: str
    population: str = Field(description="Task, model class and hardware: who it is rated against.")
    stars: int | None = Field(description="1 to 5, the more the less energy.", ge=1, le=5)
    probability: float | None = Field(description="Of this very star, 0 to 1.", ge=0, le=1)
    distance_pct: float | None = Field(
        description="By how many percent its energy must change for its star to change."
    )
    unrated_reason: str | None = Field(description="The code of why it has no star.")


class RatedResult(BaseModel):
    """One measured setup of a model."""

    model_config = ConfigDict(extra="forbid")

    id: int
    sha256: str = Field(description="Of the result's document: GET /results/{id}/document.")
    bundle: str = Field(description="Digest of the bundle that it came in.")
    run: str
    measured_at: str = Field(description="ISO 8601.")
    task: str
    model: str
    model_digest: str
    model_class: str
    setup: str
    framework: str
    precision: str
    hardware: str
    grade: Literal["metered", "counted", "modelled", "parametric", "unknown"]
    quality: QualityFigure
    energy_per_query: Figure = Field(description="Of all domains, idle included, in Wh/query.")
    latency_p50: Figure = Field(description="Median time to answer a query, in ms.")
    standings: list[Standing] = Field(description="Its places, in the newest edition first.")


def standing_of(row: RowMapping) -> Standing:
    """A row of the standings."""
    return Standing(**{name: row[name] for name in Standing.model_fields})


def result_of(row: RowMapping, standings: Iterable[Standing]) -> RatedResult:
    """A row of the results."""
    grade = row["grade"] if row["grade"] != "unknown" else None
    missing = row["energy_missing"]
    same = {
        "id", "sha256", "bundle", "measured_at", "task", "model", "model_digest", "model_class",
        "setup", "framework", "precision", "hardware", "grade",
    }  # fmt: skip
    quality = row["quality"]
    return RatedResult(
        **{name: row[name] for name in same},
        run=row["run_id"],
        quality=QualityFigure(
            metric=row["quality_metric"],
            value=quality,
            low=row["quality_low"],
            high=row["quality_high"],
            gate_passed=row["gate_passed"],
            reason="not_asked" if quality is None else None,
        ),
        energy_per_query=Figure.of(
            row, "energy_wh", "Wh/query", level=row["energy_level"], grade=grade, reason=missing
        ),
        latency_p50=Figure.of(row, "latency_p50_ms", "ms"),
        standings=list(standings),
    )


def ranked(row: RowMapping) -> RatedResult:
    """A result with its standing, in one row."""
    return result_of(row, [standing_of(row)])
