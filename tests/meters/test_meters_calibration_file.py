from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.errors import MeterError
from wattmark.machine.cpu_info import CpuInfo
from wattmark.metering.meter_calibration import by_hand
from wattmark.meters.modelled.calibration_file import (
    calibration_path,
    read_calibration,
    write_calibration,
)

FOUND = by_hand(50.0, 130.0, 0.02, CpuInfo("Linear 9000", 8, architecture="x86_64"))


def test_a_calibration_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "data" / "calibration.json"
    write_calibration(FOUND, path)
    assert read_calibration(path) == FOUND
    assert [p.name for p in path.parent.iterdir()] == ["calibration.json"]


def test_it_lies_in_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("WATTMARK_DATA", str(tmp_path))
    assert calibration_path() == tmp_path / "calibration.json"
    monkeypatch.delenv("WATTMARK_DATA")
    assert calibration_path().parent.name == "wattmark"


def test_no_calibration_is_no_error(tmp_path):
    assert read_calibration(tmp_path / "none") is None


@pytest.mark.parametrize("text", ["", "{}", '{"version": 2}', "[1]"])
def test_a_file_that_is_no_calibration_is_refused_with_the_cure(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(MeterError, match="calibrate again"):
        read_calibration(path)


def test_a_failed_write_leaves_the_old_one_and_no_half(tmp_path, monkeypatch):
    path = tmp_path / "calibration.json"
    path.write_text("old")

    def full_disk(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(MeterError, match=r"No space left.*WATTMARK_DATA"):
        write_calibration(FOUND, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
