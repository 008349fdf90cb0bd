from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.errors import MeterError
from wattmark.meters.modelled.modelled_dram import ModelledDram
from wattmark.metrology.dram_power import dram_power
from wattmark.quantities import Reason
from wattmark.records import MeterReading

GB = 1024**3


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    text = f"MemTotal:       {64 * GB // 1024} kB\nMemFree:         1 kB\n"
    (tmp_path / "meminfo").write_text(text)
    return tmp_path


def reading(time_s: float, resident_gb: float) -> MeterReading:
    return MeterReading(time_ns=int(time_s * 1e9), values={"resident_bytes": resident_gb * GB})


def test_gross_is_all_memory_and_allocated_the_share_that_is_held(proc):
    meter = ModelledDram(proc, "x86_64")
    info = meter.open(cores=1)
    (window,) = meter.energy(reading(0, 16), reading(10, 16))
    watts = dram_power(64).bounds()
    assert window.gross.bounds() == pytest.approx([10 * w for w in watts])
    assert window.idle_allocated.bounds() == pytest.approx([2.5 * w for w in watts])
    assert window.idle_subtracted.reason is Reason.NOT_SUPPORTED
    assert (info.domains, info.by_name_only) == (("dram",), True)


def test_memory_that_is_shared_by_many_processes_is_never_more_than_there_is(proc):
    meter = ModelledDram(proc)
    meter.open(cores=1)
    (window,) = meter.energy(reading(0, 100), reading(10, 100))
    assert window.idle_allocated.bounds()[1] == pytest.approx(window.gross.bounds()[1])


def test_arm_memory_is_taken_to_draw_less(proc):
    arm, x86 = (ModelledDram(proc, machine) for machine in ("aarch64", "x86_64"))
    assert arm.probe().detail != x86.probe().detail


def test_this_process_holds_some_of_this_machines_memory():
    meter = ModelledDram()
    meter.open(cores=1)
    (window,) = meter.energy(meter.read(), meter.read())
    low, value, high = window.idle_allocated.bounds()
    assert 0 <= low <= value <= high < window.gross.bounds()[2]


@pytest.mark.parametrize("text", ["", "MemTotal: many kB\n"])
def test_a_system_that_does_not_say_has_no_such_meter(tmp_path, text):
    (tmp_path / "meminfo").write_text(text)
    assert ModelledDram(tmp_path).probe().reason is Reason.NO_METER
    with pytest.raises(MeterError, match="meminfo"):
        ModelledDram(tmp_path).open(cores=1)


def test_a_meter_that_was_not_opened_does_not_guess(proc):
    with pytest.raises(MeterError, match="not open"):
        ModelledDram(proc).energy(reading(0, 1), reading(1, 1))
