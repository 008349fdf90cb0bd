"""``wattmark meter validate``: do the intervals hold the truth, simulated or recorded?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wattmark.metrology.recorded_pair import PairedWindow
    from wattmark.metrology.validation import Row, Trial

#: Of the unflagged windows, so many must hold the truth.
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

    Exits with 1 where less than 95 % of the unflagged windows hold the truth.
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

    from wattmark.metrology.sensor_classes import CLASSES
    from wattmark.metrology.validation import battery, coverage, summary

    trials = _watched(battery(repeats, seed, classes or CLASSES))
    rows = summary(trials)
    if plot is not None:
        from wattmark.reports.charts import write_chart
        from wattmark.reports.validation_chart import validation_chart

        write_chart(validation_chart(rows), plot)
    covered = coverage(trials)
    flagged = sum(trial.flagged for trial in trials)
    if as_json:
        _print_json(
            {"seed": seed, "windows": len(trials), "flagged": flagged, "coverage": covered}
            | {"rows": [asdict(row) for row in rows]}
        )
        return covered
    _print_rows(rows)
    typer.echo(
        f"{len(trials)} windows; {_percent(flagged / len(trials))} flagged or refused; of the "
        f"others {_percent(covered)} hold the truth (at least {_percent(WANTED_COVERAGE)} wanted)."
    )
    return covered


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
        "half width",
        "refused",
        "flagged",
        "coverage, unflagged",
        "flagged",
    ):
        drawn.add_column(title, justify="right")
    for row in rows:
        drawn.add_row(
            row.sensor + (" + shifted repeats" if row.shifted else ""),
            f"{row.window_s:g} s",
            str(row.windows),
            *map(_percent, (row.error_p50, row.error_p95, row.error_max, row.half_width)),
            *map(_percent, (row.refused, row.flagged, row.coverage, row.flagged_coverage)),
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
    from wattmark.errors import UnknownNameError
    from wattmark.metering.power_csv import read_power_csv
    from wattmark.metrology.recorded_pair import guess_sensor, paired_windows
    from wattmark.metrology.sensor_classes import CLASSES, uncalibrated

    meter, shown = read_power_csv(truth), read_power_csv(sensor, column)
    if class_name is not None and class_name not in CLASSES:
        raise UnknownNameError("sensor class", class_name, CLASSES)
    model = uncalibrated(CLASSES[class_name]) if class_name else guess_sensor(shown)
    rows = []
    covered: list[bool] = []
    for window_s in windows_s:
        found = list(paired_windows(meter, shown, model, window_s))
        covered += [pair.covered for pair in found if pair.said.gross.known]
        rows.append(_paired_row(window_s, found))
    share = sum(covered) / len(covered) if covered else 0.0
    if as_json:
        _print_json({"sensor": vars(model), "coverage": share, "rows": rows})
        return share
    typer.echo(
        f"{'class ' + class_name if class_name else 'guessed, cautiously'}: update every "
        f"{1e3 * model.update_period_s:.0f} ms, means over {1e3 * model.averaging_s:.0f} ms, "
        f"looks {_percent(model.duty)} of the time, gain {model.gain_low:.2f} to "
        f"{model.gain_high:.2f}"
    )
    for row in rows:
        typer.echo(
            f"{row['window_s']:g} s: {row['windows']} windows, {row['refused']} refused; readings "
            f"as they come err by {_percent(row['naive_error_mean'])} (sd "
            f"{_percent(row['naive_error_sd'])}, worst {_percent(row['naive_error_worst'])}); "
            f"intervals of ±{_percent(row['half_width'])} hold the truth in "
            f"{_percent(row['coverage'])}"
        )
    return share


def _paired_row(window_s: float, found: Sequence[PairedWindow]) -> dict[str, Any]:
    import numpy as np

    naive = np.array([pair.naive_error for pair in found])
    known = [pair for pair in found if pair.said.gross.known]
    widths = [pair.said.half_width(pair.truth_j) for pair in known]
    return {
        "window_s": window_s,
        "windows": len(found),
        "refused": len(found) - len(known),
        "flagged": sum(bool(pair.said.flags) for pair in known),
        "naive_error_mean": float(naive.mean()),
        "naive_error_sd": float(naive.std()),
        "naive_error_worst": float(naive[np.argmax(np.abs(naive))]),
        "coverage": float(np.mean([pair.covered for pair in known])) if known else None,
        "half_width": float(np.median(widths)) if widths else None,
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.3g} %"


def _print_json(found: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(found, indent=1))
