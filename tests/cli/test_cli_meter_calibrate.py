from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from wattmark.cli.meter.calibrate import calibrate
from wattmark.errors import MeterError
from wattmark.metering import meter_calibration
from wattmark.meters.modelled.calibration_file import calibration_path, read_calibration
from wattmark.meters.modelled.modelled_cpu import ModelledCpu

app = typer.Typer()
app.command()(calibrate)


def test_readings_of_a_wall_meter_are_kept_and_used():
    done = CliRunner().invoke(app, ["--watts-idle", "40", "--watts-full", "90"])
    assert done.exit_code == 0, done.output
    assert "a person" in done.output and str(calibration_path()) in done.output
    found = read_calibration(calibration_path())
    assert found is not None and found.idle_w.bounds() == pytest.approx((39.2, 40, 40.8))
    assert "this machine's calibration" in ModelledCpu().probe().detail


@pytest.mark.parametrize(
    "arguments",
    [
        ["--watts-idle", "40"],
        ["--watts-full", "90"],
        ["--watts-idle", "40", "--watts-full", "90", "--meter", "rapl"],
        ["--watts-idle", "40", "--watts-full", "90", "--watts-error", "much"],
    ],
)
def test_half_of_the_readings_or_two_sources_are_refused(arguments):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert not calibration_path().exists()


def test_without_an_instrument_nothing_is_written(monkeypatch):
    def none(name: str | None) -> None:
        raise MeterError(f"no instrument; {meter_calibration.CURE}")

    monkeypatch.setattr(meter_calibration, "instrument", none)
    done = CliRunner().invoke(app, [])
    assert isinstance(done.exception, MeterError)
    assert not calibration_path().exists()


def test_an_interrupt_leaves_no_file(monkeypatch):
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(meter_calibration, "instrument", lambda name: ModelledCpu())
    monkeypatch.setattr(meter_calibration, "calibrate", interrupted)
    done = CliRunner().invoke(app, [])
    assert done.exit_code != 0
    assert not calibration_path().exists()
