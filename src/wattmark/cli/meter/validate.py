"""``wattmark meter validate``: do the intervals hold the truth, simulated or recorded?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wattmark.metrology.compared import Figures
    from wattmark.metrology.recorded_pair import PairedWindow
    from wattmark.metrology.validation import Row, Trial

#: Of the intervals, flagged or not, so many must hold the truth.
WANTED_COVERAGE = 0.95
NOT_COVERED_EXIT_CODE = 1


def validate(
    truth: Annotated[
        Path | None, typer.Option(help="CSV (t_s, watts) of an external meter; .gz too.")
    ] = None,
    sensor: Annotated[
        Path | None, typer.Option(help="CSV (t_s, watts) of the sensor, on the same clock.")
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="Column of the sensor's file; left out: the first.")
    ] = None,
    sensor_class: Annotated[
        list[str] | None,
        typer.Option(
            "--class", help="Sensor class (repeatable); left out: all, or a cautious guess."
        ),
    ] = None,
    window: Annotated[
        list[float] | None, typer.Option(help="Of a recording: window in s (repeatable).")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Simulated windows of each kind (240 kinds).")
    ] = 42,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 1,
    plot: Annotated[
        Path | None, typer.Option(help="Draw error against window (.svg, .png).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the sensor model: on simulated windows of known energy, or on a recorded pair.

    Coverage is the share of the figures, flagged or not, whose interval holds the truth; the median
    half width of the intervals stands beside it. Exits with 1 where it is below 95 %.
    """
    if (truth is None) != (sensor is None):
        raise typer.BadParameter("--truth and --sensor go together: the same load, seen by both")
    if truth is not None and sensor is not None:
        if sensor_class and len(sensor_class) > 1:
            raise typer.BadParameter("a recording has one --class")
        name = sensor_class[0] if sensor_class else None
        covered: float | None = _recorded(
            truth, sensor, column, name, window or [1.0, 2.0, 5.0], as_json
        )
    else:
        if window or column:
            raise typer.BadParameter("--window and --column are for --truth and --sensor")
        covered = _simulated(sensor_class, repeats, seed, plot, as_json)
    if covered is not None and covered < WANTED_COVERAGE:
        raise typer.Exit(NOT_COVERED_EXIT_CODE)


def _simulated(
    classes: list[str] | None, repeats: int, seed: int, plot: Path | None, as_json: bool
) -> float | None:
    from dataclasses import asdict

    from wattmark.metrology.compared import figures
    from wattmark.metrology.sensor_classes import CLASSES
    from wattmark.metrology.validation import battery, summary

    trials = _watched(battery(repeats, seed, classes or CLASSES))
    rows = summary(trials)
    if plot is not None:
        from wattmark.reports.charts import write_chart
        from wattmark.reports.validation_chart import validation_chart

        write_chart(validation_chart(rows), plot)
    whole = figures(trials)
    if as_json:
        _print_json({"seed": seed} | asdict(whole) | {"rows": [asdict(row) for row in rows]})
        return whole.coverage
    _print_rows(rows)
    typer.echo(
        f"{whole.windows} windows, {_percent(whole.refused)} refused, {_percent(whole.flagged)} "
        f"flagged; of all figures {_percent(whole.coverage)} hold the truth, at a median of "
        f"±{_percent(whole.half_width)}: unflagged {_percent(whole.unflagged_coverage)} at "
        f"±{_percent(whole.unflagged_half_width)}, flagged {_percent(whole.flagged_coverage)} at "
        f"±{_percent(whole.flagged_half_width)} (at least {_percent(WANTED_COVERAGE)} wanted)."
    )
    return whole.coverage


def _watched(trials: Any) -> list[Trial]:
    """All trials, counted on stderr where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    watched = track(trials, "simulating", console=console, transient=True, total=None)
    return list(watched) if console.is_terminal else list(trials)


def _print_rows(rows: Sequence[Row]) -> None:
    from rich.table import Table

    from wattmark.cli.columns import stdout

    drawn = Table(header_style="bold")
    drawn.add_column("sensor (update-averaging, ms)")
    for title in (
        "window",
        "windows",
        "error p50",
        "p95",
        "max",
        "naive p95",
        "max",
        "refused",
        "flagged",
        "coverage",
        "half width",
    ):
        drawn.add_column(title, justify="right")
    for row in rows:
        drawn.add_row(
            row.sensor + (" + shifted repeats" if row.shifted else ""),
            f"{row.window_s:g} s",
            str(row.windows),
            *map(_percent, (row.error_p50, row.error_p95, row.error_max)),
            *map(_percent, (row.naive_p95, row.naive_max, row.refused, row.flagged)),
            *map(_percent, (row.coverage, row.half_width)),
        )
    stdout(width=160).print(drawn)


def _recorded(
    truth: Path,
    sensor: Path,
    column: str | None,
    class_name: str | None,
    windows_s: Sequence[float],
    as_json: bool,
) -> float:
    from dataclasses import asdict

    from wattmark.errors import UnknownNameError
    from wattmark.metering.power_csv import read_power_csv
    from wattmark.metrology.compared import figures
    from wattmark.metrology.recorded_pair import (
        guess_sensor,
        of_recording,
        paired_ratios,
        paired_windows,
    )
    from wattmark.metrology.sensor_classes import CLASSES

    meter, shown = read_power_csv(truth), read_power_csv(sensor, column)
    if class_name is not None and class_name not in CLASSES:
        raise UnknownNameError("sensor class", class_name, CLASSES)
    model = of_recording(CLASSES[class_name], shown) if class_name else guess_sensor(shown)
    rows, every = [], []
    for window_s in windows_s:
        found = list(paired_windows(meter, shown, model, window_s))
        ratios = list(paired_ratios(found, model))
        every += found
        rows.append(_paired_row(window_s, found, figures(ratios) if ratios else None))
    whole = figures(every)
    if as_json:
        _print_json({"sensor": vars(model)} | asdict(whole) | {"rows": rows})
        return whole.coverage or 0.0
    typer.echo(
        f"{'class ' + class_name if class_name else 'guessed, cautiously'}: update every "
        f"{1e3 * model.update_period_s:.0f} ms, means over {1e3 * model.averaging_s:.0f} ms, "
        f"looks {_percent(model.duty)} of the time, gain {model.gain_low:.2f} to "
        f"{model.gain_high:.2f}, offset {model.offset_low_w:.0f} to {model.offset_high_w:.0f} W"
    )
    for row in rows:
        typer.echo(
            f"{row['window_s']:g} s: {row['windows']} windows, {_percent(row['refused'])} refused, "
            f"{_percent(row['flagged'])} flagged; {_errors(row)}"
        )
        if row["ratios"] is not None:
            typer.echo(f"  {row['ratios']['windows']} ratios of two: {_errors(row['ratios'])}")
    return whole.coverage or 0.0


def _errors(row: dict[str, Any]) -> str:
    return (
        f"readings as they come err by {_percent(row['naive_p50'])} (p95 "
        f"{_percent(row['naive_p95'])}, at most {_percent(row['naive_max'])}), ours by "
        f"{_percent(row['error_p50'])} (p95 {_percent(row['error_p95'])}, at most "
        f"{_percent(row['error_max'])}); {_percent(row['coverage'])} hold the truth, at a median "
        f"of ±{_percent(row['half_width'])}"
    )


def _paired_row(
    window_s: float, found: Sequence[PairedWindow], ratios: Figures | None
) -> dict[str, Any]:
    from dataclasses import asdict

    import numpy as np

    from wattmark.metrology.compared import figures

    naive = np.array([pair.naive_error for pair in found])
    return {
        "window_s": window_s,
        **asdict(figures(found)),
        "naive_error_mean": float(naive.mean()),
        "naive_error_sd": float(naive.std()),
        "naive_error_worst": float(naive[np.argmax(np.abs(naive))]),
        "ratios": asdict(ratios) if ratios else None,
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.3g} %"


def _print_json(found: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(found, indent=1))
