"""A result as a page shows it: figures as text, with their intervals and why they are missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.formatting import percent_if_share
from wattmark.quantities import Grade, Quantity, Reason, conversion_factor
from wattmark.records.common_parts import Parts
from wattmark.reports.cells import Cell, bounds_cell, missing_cell
from wattmark.reports.impact_table import on_basis

PER = "per 1 000 queries"
_GRADES = {grade.value: grade for grade in Grade}
_REASONS = {reason.value: reason for reason in Reason}


@dataclass(frozen=True)
class View:
    """One row of a table; ``quality_gate`` is False for a result that missed it."""

    id: int
    edition: str
    task: str
    model: str
    setup: str
    framework: str
    precision: str
    hardware: str
    grade: str
    metric: str
    quality: Cell
    energy: Cell
    latency: Cell
    quality_gate: bool | None
    stars: int | None
    probability: float | None
    distance_pct: float | None
    unrated_reason: str | None
    measured_on: str
    run_id: str
    bundle: str

    @property
    def sure(self) -> bool:
        """Whether the star is likelier than not."""
        return self.probability is not None and self.probability >= 0.5


def views(rows: Iterable[Mapping[Any, Any]]) -> tuple[list[View], str]:
    """Rows of a table with the unit that their energies share: that of the first known one."""
    found = list(rows)
    unit = energy_unit(found)
    return [view(row, unit) for row in found], unit


def energy_unit(rows: Iterable[Mapping[Any, Any]]) -> str:
    """In which the energy of 1 000 queries reads well in a table: by its first known one."""
    known = next((row for row in rows if row["energy_wh"] is not None), None)
    return "Wh" if known is None else on_basis(energy_of(known)).unit


def energy_of(row: Mapping[Any, Any]) -> Quantity:
    """Energy of 1 000 queries in Wh, or why it is missing."""
    if row["energy_wh"] is None:
        return Quantity.missing("Wh", _reason(row))
    return Quantity.between(
        1000 * row["energy_wh"],
        1000 * row["energy_wh_low"],
        1000 * row["energy_wh_high"],
        "Wh",
        level=row["energy_level"] or 0.0,
        grade=_GRADES.get(row["grade"]),
    )


def comparable_energies(rows: Sequence[Mapping[Any, Any]]) -> list[Quantity]:
    """Energies of 1 000 queries in Wh, with the intervals that count among these results.

    That is the comparable interval where all of them share a scale, else the whole one. All are
    known.
    """
    energies = [energy_of(row) for row in rows]
    if "" in (scales := {row["energy_wh_scale"] for row in rows}) or len(scales) > 1:
        return energies
    ends = ("energy_wh_comparable_low", "energy_wh_comparable_high")
    return [
        energy.model_copy(update={"low": 1000 * row[ends[0]], "high": 1000 * row[ends[1]]})
        for energy, row in zip(energies, rows, strict=True)
    ]


def energy_parts(row: Mapping[Any, Any]) -> Parts | None:
    """What the energy of a row shares with others of its scale; None where it is missing."""
    if row["energy_wh"] is None:
        return None
    scale = row["energy_wh_scale"]
    own = comparable_energies([row])[0] if scale else None
    return Parts.of(energy_of(row), own, row["energy_wh_idle_effect"] or 0.0, scale)


def quality_of(row: Mapping[Any, Any]) -> Quantity:
    """Quality by the task's metric; in percent where it is a share."""
    if row["quality"] is None:
        return Quantity.missing("1", Reason.NOT_ASKED)
    quality = Quantity.between(row["quality"], row["quality_low"], row["quality_high"], "1")
    return percent_if_share(quality)


def view(row: Mapping[Any, Any], unit: str) -> View:
    """A row of a table whose energies are in that unit."""
    share = row["quality"] is not None and row["quality_high"] <= 1
    return View(
        id=row["id"],
        edition=row["edition"],
        task=row["task"],
        model=row["model"],
        setup=row["setup"],
        framework=row["framework"],
        precision=row["precision"],
        hardware=row["hardware"],
        grade=row["grade"],
        metric=row["quality_metric"],
        quality=_cell(row, "quality", Reason.NOT_ASKED, 100.0 if share else 1.0),
        energy=_cell(row, "energy_wh", _reason(row), 1000 * conversion_factor("Wh", unit)),
        latency=_cell(row, "latency_p50_ms", Reason.NOT_MEASURED),
        quality_gate=row["gate_passed"],
        stars=row["stars"],
        probability=row["probability"],
        distance_pct=row["distance_pct"],
        unrated_reason=row["unrated_reason"],
        measured_on=row["measured_at"][:10],
        run_id=row["run_id"],
        bundle=row["bundle"],
    )


def _cell(row: Mapping[Any, Any], name: str, missing: Reason, factor: float = 1.0) -> Cell:
    """Straight from the bounds: a quantity for each would double the time of a page."""
    value = row[name]
    if value is None:
        return missing_cell(missing)
    return bounds_cell(factor * value, factor * row[f"{name}_low"], factor * row[f"{name}_high"])


def _reason(row: Mapping[Any, Any]) -> Reason:
    return _REASONS.get(row["energy_missing"], Reason.NOT_MEASURED)
