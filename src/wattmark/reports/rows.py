"""The one table of a run, which the terminal, Markdown, CSV and HTML share.

Rows run from least to most energy (time, where no energy is known); failed trials come last.
Units stand in the columns, so cells hold bare numbers. The energy columns hold the sum over
all domains, as the ratio does; the record (``--format json``) has each of them.
"""

from __future__ import annotations

from math import inf

from wattmark.formatting import heading, is_share, stars_text
from wattmark.quantities import Quantity, Reason
from wattmark.records import Rating, Ratios, Result, Run
from wattmark.records.reading import (
    baseline_result,
    energy_per_correct,
    energy_per_query,
    energy_per_unit,
    instruments,
    median_latency,
    ok,
)
from wattmark.reports.cells import Cell, Column, Row, Table, figure_cell, missing_cell, text_cell


def rules(run: Run) -> tuple[str, ...]:
    """The rating rules of a run, in the order in which they were applied."""
    return tuple(dict.fromkeys(rating.rule for rating in run.ratings))


def sort_key(result: Result) -> tuple[float, ...]:
    """Failed last; then by the energy that is shown, energy relative to the baseline, and time."""
    figures = (
        energy_per_query(result),
        result.energy_relative,
        median_latency(result),
    )
    values = [inf if q is None or q.value is None else q.value for q in figures]
    return (float(not ok(result)), *values)


def table(run: Run) -> Table:
    """The run as a table."""
    metric = run.task.metric
    percent = all(is_share(r.quality.value) for r in run.results if r.quality)
    names = rules(run)
    columns = (
        Column("setup", "Setup", numeric=False),
        Column("quality", heading(metric), "%" if percent else ""),
        Column("latency_p50", "Latency p50", "ms"),
        Column("latency_p90", "Latency p90", "ms"),
        Column("latency_p99", "Latency p99", "ms"),
        Column("throughput", "Throughput", "query/s"),
        Column("flops_per_query", "FLOPs per query", "GFLOP"),
        Column("energy_per_query", "Energy per query", "J/query"),
        Column("energy_per_1000_queries", "Energy per 1 000 queries", "Wh"),
        Column("energy_per_correct", "Energy per correct answer", "J/correct"),
        *_phase_columns(run),
        Column("energy_grade", "Energy is", numeric=False),
        Column("energy_meters", "Instrument", numeric=False),
        Column("latency_ratio", "Latency ÷ baseline"),
        Column("energy_ratio", "Energy ÷ baseline"),
        *(Column(f"stars_{n}", f"Stars ({n})" if len(names) > 1 else "Stars") for n in names),
    )
    ratings = {(r.trial, r.rule): r for r in run.ratings}
    baseline = run.plan.baseline_label
    has_baseline = baseline_result(run) is not None
    rows = []
    for result in sorted(run.results, key=sort_key):
        figures = _figures(run, result, percent, result.id == baseline, has_baseline)
        stars = [_stars(ratings.get((result.id, name)), result) for name in names]
        rows.append(
            Row(
                trial=result.id,
                baseline=result.id == baseline,
                gate_passed=result.quality.gate_passed if result.quality else None,
                failure=failure_text(result),
                cells=(text_cell(result.id), *figures, *stars),
            )
        )
    return Table(columns, tuple(rows))


def failure_text(result: Result) -> str:
    """``failed in check: conversion_differs``, or nothing where the trial did not fail."""
    failure = result.failure
    return f"failed in {failure.stage}: {failure.reason}" if failure else ""


def _figures(
    run: Run, result: Result, percent: bool, baseline: bool, has_baseline: bool
) -> list[Cell]:
    """The cells between the setup's name and its stars."""
    absent = Reason.TRIAL_FAILED if not ok(result) else Reason.NOT_MEASURED
    quality, latency = result.quality, result.latency
    per_query = energy_per_query(result)

    def cell(quantity: Quantity | None, unit: str, reason: Reason = absent) -> Cell:
        if quantity is None:
            quantity = Quantity.missing(unit, reason)
        return figure_cell(quantity.to(unit))

    no_ratio = absent if has_baseline else Reason.NO_BASELINE
    grade = per_query.grade if per_query else None
    return [
        cell(quality.value if quality else None, "%" if percent else "1"),
        cell(median_latency(result), "ms"),
        cell(latency.p90 if latency else None, "ms"),
        cell(latency.p99 if latency else None, "ms"),
        cell(result.throughput, "query/s"),
        cell(result.flops_per_query, "GFLOP/query"),
        cell(per_query, "J/query"),
        cell(per_query, "Wh/kquery"),
        cell(energy_per_correct(result), "J/correct"),
        *(cell(quantity, unit) for quantity, unit in _phase_figures(run, result)),
        text_cell(grade.value) if grade else missing_cell(_why(per_query, absent)),
        text_cell(meters) if (meters := instruments(result)) else missing_cell(absent),
        cell(_ratio(result.ratios, "latency", baseline and ok(result)), "1", no_ratio),
        cell(_ratio(result.ratios, "energy", False), "1", no_ratio),
    ]


def _phases(run: Run) -> list[tuple[str, str]]:
    """Phases of the run's queries with their units; a setup's options may add some."""
    return list(dict.fromkeys((p.phase, p.unit) for r in run.results for p in r.phases))


def _phase_columns(run: Run) -> list[Column]:
    first = Column("time_to_first_token", "Time to first token p50", "ms")
    has_first = any(result.time_to_first_token for result in run.results)
    columns = [first] if has_first else []
    for phase, unit in _phases(run):
        name = phase[:1].upper() + phase[1:]
        columns += [
            Column(f"{phase}_time_per_{unit}", f"{name} time per {unit}", "ms"),
            Column(f"{phase}_energy_per_{unit}", f"{name} energy per {unit}", "mJ"),
        ]
    return columns


def _phase_figures(run: Run, result: Result) -> list[tuple[Quantity | None, str]]:
    """Figures of the columns of `_phase_columns`, in their order, with their units."""
    first = result.time_to_first_token
    figures: list[tuple[Quantity | None, str]] = []
    if any(r.time_to_first_token for r in run.results):
        figures.append((first.p50 if first else None, "ms"))
    own = {phase.phase: phase for phase in result.phases}
    for name, unit in _phases(run):
        phase = own.get(name)
        figures += [
            (phase.time_per_unit if phase else None, f"ms/{unit}"),
            (energy_per_unit(phase) if phase else None, f"mJ/{unit}"),
        ]
    return figures


def _ratio(ratios: Ratios | None, name: str, baseline: bool) -> Quantity | None:
    if ratios is not None:
        ratio: Quantity = getattr(ratios, name)
        return ratio
    return Quantity.exact(1.0, "1") if baseline else None


def _why(quantity: Quantity | None, otherwise: Reason) -> Reason:
    return quantity.reason if quantity is not None and quantity.reason else otherwise


def _stars(rating: Rating | None, result: Result) -> Cell:
    if rating is None:
        return missing_cell(Reason.TRIAL_FAILED if not ok(result) else "unrated")
    if rating.stars is None:
        return missing_cell(rating.unrated_reason or "unrated")
    return text_cell(stars_text(rating))
