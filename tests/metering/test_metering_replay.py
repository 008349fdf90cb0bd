from __future__ import annotations

import pytest

from wattmark.errors import MeterError
from wattmark.metering.replay import ReplayMeter
from wattmark.metrology.counters import Accuracy
from wattmark.quantities import Grade, Reason
from wattmark.records import MeterReading

RECORDING = (
    MeterReading(time_ns=0, values={"node": 100.0, "gpu:0": 7.0}),
    MeterReading(time_ns=2_000_000_000, values={"node": 150.0, "gpu:0": 3.0}),
    MeterReading(time_ns=4_000_000_000, values={"node": 175.0}),
)


def test_readings_come_back_in_order_and_then_end():
    meter = ReplayMeter(RECORDING)
    assert meter.open(cores=1).domains == ("node", "gpu:0")
    assert tuple(meter.read() for _ in RECORDING) == RECORDING
    with pytest.raises(MeterError, match="all 3 recorded readings were used"):
        meter.read()
    assert not meter.probe().available


def test_energy_is_the_difference_by_domain_with_the_recorded_grade():
    meter = ReplayMeter(RECORDING, grade=Grade.METERED)
    windows = {w.domain: w for w in meter.energy(RECORDING[0], RECORDING[1])}
    assert windows["node"].gross.bounds() == (50.0, 50.0, 50.0)
    assert windows["node"].gross.grade is Grade.METERED
    assert windows["gpu:0"].gross.reason is Reason.COUNTER_RESET


def test_a_domain_without_a_second_reading_is_missing():
    windows = ReplayMeter(RECORDING).energy(RECORDING[1], RECORDING[2])
    assert {w.domain: w.gross.reason for w in windows} == {
        "node": None,
        "gpu:0": Reason.READ_FAILED,
    }


def test_the_accuracy_of_the_recorded_instrument_gives_the_interval():
    meter = ReplayMeter(RECORDING, accuracy=Accuracy(0.02, 0.95, 1.05))
    node = meter.energy(RECORDING[0], RECORDING[1])[0]
    assert node.gross.bounds() == pytest.approx((49 / 1.05, 50.0, 51 / 0.95))


def test_an_empty_window_is_too_short():
    (first, _) = ReplayMeter(RECORDING).energy(RECORDING[0], RECORDING[0])
    assert first.gross.reason is Reason.WINDOW_TOO_SHORT


def test_opening_again_starts_again():
    meter = ReplayMeter(RECORDING)
    assert meter.read() == RECORDING[0]
    meter.open(cores=1)
    assert meter.read() == RECORDING[0]
