"""``wattmark meter validate``: simulated windows, recorded pairs, and what it refuses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.errors import InputError, UnknownNameError
from wattmark.metrology import simulation
from wattmark.metrology.sensor_classes import CLASSES

run = CliRunner().invoke


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A load seen by a fast meter and by a sensor that shows 5 % too little."""
    random = np.random.default_rng(2)
    true = simulation.curve(
        simulation.idle(3.0), simulation.load("square", 6.0, random), simulation.idle(3.0)
    )
    shown = simulation.sense(true, CLASSES["instant-100-100"], random)
    seen = simulation.poll(shown, 0.013, random)
    meter, sensor = tmp_path / "meter.csv.gz", tmp_path / "sensor.csv"
    with gzip.open(meter, "wt") as file:
        file.write("t_s,power_w\n")
        file.writelines(f"{i * simulation.STEP_S:.6f},{w}\n" for i, w in enumerate(true.power_w))
    rows = [f"{t:.4f},0,{0.95 * w:.2f}\n" for t, w in zip(seen.time_s, seen.power_w, strict=True)]
    sensor.write_text("t_s,nothing_w,power_w\n" + "".join(rows))
    return meter, sensor


def test_the_battery_prints_errors_coverage_and_flags() -> None:
    done = run(app, ["meter", "validate", "--class", "instant-100-100", "--repeats", "3", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["windows"] == 3 * 4 * 6
    half_second, *_ = found["rows"]
    assert half_second["refused"] == 1.0 and half_second["error_p95"] is None
    assert all(row["coverage"] >= 0.9 for row in found["rows"][1:])


def test_the_table_says_what_was_wanted() -> None:
    done = run(app, ["meter", "validate", "--class", "instant-20-10", "--repeats", "1"])
    assert "instant-20-10 + shifted repeats" in done.output
    assert "(at least 95 % wanted)" in done.output


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    plot = tmp_path / "errors.svg"
    arguments = ["meter", "validate", "--class", "lagging-15", "--repeats", "1"]
    assert run(app, [*arguments, "--plot", str(plot)]).exit_code == 0
    assert plot.read_text().startswith("<svg") and "lagging-15" in plot.read_text()


def test_a_recorded_pair_is_judged_by_a_cautious_guess(pair: tuple[Path, Path]) -> None:
    meter, sensor = map(str, pair)
    arguments = ["meter", "validate", "--truth", meter, "--sensor", sensor, "--column", "power_w"]
    done = run(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["sensor"]["update_period_s"] == 0.1
    assert found["coverage"] >= 0.95
    assert found["rows"][-1]["naive_error_mean"] == pytest.approx(-0.05, abs=0.02)


def test_a_wrong_column_says_which_there_are(pair: tuple[Path, Path]) -> None:
    meter, sensor = map(str, pair)
    done = run(
        app, ["meter", "validate", "--truth", meter, "--sensor", sensor, "--column", "watts"]
    )
    assert isinstance(done.exception, InputError)
    assert "no column 'watts'; it has t_s, nothing_w, power_w" in str(done.exception)


def test_a_figure_that_is_none_says_its_line(pair: tuple[Path, Path]) -> None:
    meter, sensor = pair
    sensor.write_text("t_s,power_w\n0.0,60\n0.1,sixty\n")
    done = run(app, ["meter", "validate", "--truth", str(meter), "--sensor", str(sensor)])
    assert isinstance(done.exception, InputError) and "line 3" in str(done.exception)


def test_what_does_not_go_together_is_refused(pair: tuple[Path, Path]) -> None:
    assert run(app, ["meter", "validate", "--truth", str(pair[0])]).exit_code == 2
    assert run(app, ["meter", "validate", "--window", "3"]).exit_code == 2
    done = run(app, ["meter", "validate", "--class", "instant-100-24", "--repeats", "1"])
    assert isinstance(done.exception, InputError | UnknownNameError)
