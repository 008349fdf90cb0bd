"""A thread that polls makes a meter of a source of watts, and says when it lost it."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from wattmark.contracts import Availability, Sensor
from wattmark.errors import MeterError
from wattmark.meters.polling import Polled
from wattmark.quantities import Grade, Reason


class Source:
    """Draws 100 W until it is unplugged."""

    name = "plug"
    grade = Grade.METERED

    def __init__(self, update_period_s: float = 0.02) -> None:
        self.sensor = Sensor(update_period_s, update_period_s)
        self.watts = 100.0
        self.plugged = True
        self.closed = 0

    def probe(self) -> Availability:
        return Availability(True)

    def open(self) -> Mapping[str, Sensor]:
        return {"node": self.sensor}

    def power_w(self) -> Mapping[str, float]:
        if not self.plugged:
            raise MeterError("plug: no answer")
        return {"node": self.watts}

    def close(self) -> None:
        self.closed += 1


@pytest.mark.usefixtures("no_gap")
def test_windows_within_each_other_are_integrated_from_the_same_samples() -> None:
    meter = Polled(Source())
    meter.open(cores=1)
    outer = meter.read()
    time.sleep(0.05)
    inner = meter.read()
    time.sleep(0.3)
    inner_end = meter.read()
    (small,) = meter.energy(inner, inner_end)
    (large,) = meter.energy(outer, meter.read())
    meter.close()
    assert small.gross.grade is Grade.METERED
    for window in (small, large):
        seconds = (window.after.time_ns - window.before.time_ns) / 1e9
        assert window.gross.value == pytest.approx(100.0 * seconds, rel=1e-6)
    assert large.gross.value > small.gross.value


def test_a_source_that_is_lost_within_the_window_gives_no_figure() -> None:
    source = Source()
    meter = Polled(source)
    meter.open(cores=1)
    before = meter.read()
    time.sleep(0.1)
    source.plugged = False
    time.sleep(0.3)
    (window,) = meter.energy(before, meter.read())
    meter.close()
    assert window.gross.reason is Reason.SENSOR_LOST
    assert window.gross.detail == "plug: no answer"
    assert source.closed == 1


def test_a_reading_that_is_no_power_is_told() -> None:
    source = Source()
    meter = Polled(source)
    meter.open(cores=1)
    before = meter.read()
    time.sleep(0.1)
    source.watts = float("nan")
    time.sleep(0.2)
    (window,) = meter.energy(before, meter.read())
    meter.close()
    assert window.gross.reason is Reason.READ_FAILED
    assert "is not a number" in window.gross.detail


def test_a_source_that_cannot_be_read_is_not_opened() -> None:
    source = Source()
    source.plugged = False
    with pytest.raises(MeterError, match="no answer"):
        Polled(source).open(cores=1)
    assert source.closed == 1


def test_a_closed_meter_cannot_be_read() -> None:
    with pytest.raises(MeterError, match="not open"):
        Polled(Source()).read()


def test_the_pace_of_polls_is_twice_that_of_the_sensor_and_never_a_storm() -> None:
    slow, fast = Polled(Source(1.0)), Polled(Source(0.001))
    for meter, period_s in ((slow, 0.5), (fast, 0.01)):
        meter.open(cores=1)
        assert meter.poll_period_s == period_s
        meter.close()
    assert Polled(Source(), poll_period_s=0.25).poll_period_s == 0.25
