from __future__ import annotations

import pytest

from wattmark.errors import MeterError
from wattmark.metering import idle_reading
from wattmark.metering.idle_reading import (
    IdlePower,
    IdleRecord,
    measure_idle,
    needs_idle,
    recall_idle,
    remember_idle,
)
from wattmark.metering.readings import Readings
from wattmark.metering.replay import ReplayMeter
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.metrology.counters import Accuracy
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import MeterReading


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """A cache folder and a memory of this test's own, on a machine that was booted once."""
    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path))
    monkeypatch.setattr(idle_reading, "_known", {})
    boot(monkeypatch, "first-boot")


def boot(monkeypatch, name: str) -> None:
    monkeypatch.setattr(idle_reading, "boot_id", lambda: name)
    monkeypatch.setattr(idle_reading, "_known", {})


def record(watts: float = 5.0, *, age_s: float = 0.0) -> IdleRecord:
    power = IdlePower(meter="rapl", domain="cpu", power=Quantity.exact(watts, "W"))
    return IdleRecord(
        machine=idle_reading.boot_id(),
        measured_at=idle_reading.time.time() - age_s,
        seconds=2.0,
        power=(power,),
    )


def recording(*joules: float) -> ReplayMeter:
    """A meter that shows these joules, a second apart."""
    readings = [
        MeterReading(time_ns=i * 10**9, values={"cpu": value}) for i, value in enumerate(joules)
    ]
    return ReplayMeter(readings, name="rapl", accuracy=Accuracy(0.001, 0.9, 1.1))


def reading(*meters) -> Readings:
    return Readings.own(meters)


def test_idle_power_is_the_mean_with_the_meters_interval_and_the_spread():
    steady = measure_idle(reading(recording(0, 10, 20, 30, 40, 50)), 0.01).of("rapl", "cpu")
    restless = measure_idle(reading(recording(0, 5, 20, 22, 45, 50)), 0.01).of("rapl", "cpu")

    assert steady.value == restless.value == pytest.approx(10.0)
    assert steady.grade is Grade.COUNTED
    assert steady.low == pytest.approx(10.0 / 1.1, rel=0.01)
    assert restless.low < steady.low and restless.high > steady.high


def test_a_model_that_knows_its_own_idle_share_needs_no_idle_power():
    found = measure_idle(reading(ModelledCpu()), 0.01)
    assert found.power == ()
    assert found.of("modelled-cpu", "cpu").reason is Reason.IDLE_NOT_MEASURED


def test_a_counter_that_stands_still_has_no_idle_power():
    found = measure_idle(reading(recording(7, 7, 7, 7, 7, 7)), 0.01).of("rapl", "cpu")
    assert found.reason is Reason.READ_FAILED


@pytest.mark.parametrize(("fails_at", "reason"), [(0, Reason.READ_FAILED), (5, Reason.SENSOR_LOST)])
def test_a_meter_that_fails_at_idle_has_no_power_and_the_others_have(fails_at, reason):
    plug = FlakyPlug(fails_at)
    found = measure_idle(reading(plug, recording(0, 10, 20, 30, 40, 50)), 0.01)

    assert found.of("plug", "node").reason is reason
    assert found.of("plug", "node").detail == "no answer from the plug"
    assert found.of("rapl", "cpu").value == pytest.approx(10.0)


def test_a_fault_between_the_ends_of_the_idle_time_costs_a_part_only():
    found = measure_idle(reading(FlakyPlug(2)), 0.01).of("plug", "node")
    assert found.value == pytest.approx(60.0)


def test_what_needs_idle_is_asked_of_a_meter_that_fails_too():
    assert needs_idle(reading(FlakyPlug(0)))
    assert needs_idle(reading(recording(0, 10)))
    assert not needs_idle(reading(ModelledCpu()))


class FlakyPlug(ReplayMeter):
    """Draws 60 W, and does not answer one of its questions."""

    def __init__(self, fails_at: int) -> None:
        shown = [MeterReading(time_ns=i * 10**9, values={"node": 60.0 * i}) for i in range(6)]
        super().__init__(shown, name="plug", accuracy=Accuracy(0.001, 0.95, 1.05))
        self.fails_at = fails_at

    def read(self) -> MeterReading:
        shown = super().read()
        if self._next - 1 == self.fails_at:
            raise MeterError("no answer from the plug")
        return shown


def test_idle_cannot_be_measured_in_no_time():
    with pytest.raises(MeterError, match="above 0"):
        measure_idle(reading(recording(1, 2)), 0.0)


def test_a_fresh_record_comes_back_from_memory_and_from_disk(monkeypatch):
    kept = record()
    remember_idle(("rapl",), kept)
    assert recall_idle(("rapl",)) is kept
    monkeypatch.setattr(idle_reading, "_known", {})  # another process
    assert recall_idle(("rapl",)) == kept


def test_a_record_holds_for_its_meters_in_any_order():
    remember_idle(("rapl", "nvml"), record())
    assert recall_idle(("nvml", "rapl")) is not None
    assert recall_idle(("rapl",)) is None


@pytest.mark.parametrize("age_s", [601.0, -60.0])
def test_an_old_record_or_one_of_the_future_does_not_hold(age_s):
    remember_idle(("rapl",), record(age_s=age_s))
    assert recall_idle(("rapl",)) is None


def test_a_record_does_not_outlive_the_boot(monkeypatch):
    remember_idle(("rapl",), record())
    boot(monkeypatch, "second-boot")
    assert recall_idle(("rapl",)) is None


def test_a_broken_file_is_as_good_as_none(monkeypatch, tmp_path):
    remember_idle(("rapl",), record())
    monkeypatch.setattr(idle_reading, "_known", {})
    (file,) = (tmp_path / "idle").iterdir()
    file.write_text(file.read_text()[:40])
    assert recall_idle(("rapl",)) is None


def test_a_cache_that_cannot_be_written_leaves_the_record_in_memory(monkeypatch, tmp_path):
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path / "a-file"))
    remember_idle(("rapl",), record())
    assert recall_idle(("rapl",)) is not None


def test_without_a_boot_id_nothing_goes_to_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(idle_reading, "boot_id", lambda: "")
    remember_idle(("rapl",), record())
    assert recall_idle(("rapl",)) is not None
    assert not (tmp_path / "idle").exists()
