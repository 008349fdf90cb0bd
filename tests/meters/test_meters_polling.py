"""A thread that polls makes a meter of a source of watts, and says when it lost it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from wattmark.contracts import Availability, Sensor, Timed
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


@pytest.mark.parametrize(
    ("shown_w", "limit_w", "said"),
    [
        (float("nan"), None, "is not a number"),
        (float("inf"), 450.0, "is not a number"),
        (-3.0, None, "below 0"),
        (3.69e12, 450.0, "its limit is 450 W: nothing above 900 W is possible"),
        (3.69e12, None, "no such device draws above 1e+07 W"),
    ],
)
def test_a_reading_that_nothing_can_draw_costs_the_windows_that_hold_it(
    shown_w: float, limit_w: float | None, said: str
) -> None:
    source = Source(0.01)
    source.sensor = replace(source.sensor, max_power_w=limit_w)
    meter = Polled(source)
    meter.open(cores=1)
    before = meter.read()
    time.sleep(0.05)
    source.watts = shown_w
    time.sleep(0.1)
    source.watts = 100.0
    later = meter.read()
    (holds_it,) = meter.energy(before, later)
    time.sleep(0.05)  # more than the sensor mixes
    clean = meter.read()
    time.sleep(0.2)
    (after,) = meter.energy(clean, meter.read())
    meter.close()
    assert holds_it.gross.reason is Reason.READ_FAILED
    assert said in holds_it.gross.detail
    assert all(power_w == 100.0 for _, power_w in holds_it.power)
    assert after.gross.known or after.gross.reason is Reason.TRACE_GAP  # of a machine that stalls
    assert all(power_w == 100.0 for _, power_w in meter.samples("node", 0))


def test_a_card_that_always_shows_nothing_has_no_figure() -> None:
    source = Source(0.01)
    source.watts = 0.0
    meter = Polled(source)
    meter.open(cores=1)
    before = meter.read()
    time.sleep(0.15)
    (window,) = meter.energy(before, meter.read())
    meter.close()
    assert window.gross.reason is Reason.READ_FAILED
    assert "0 W shown all the time" in window.gross.detail


def test_neither_a_plug_in_that_breaks_nor_a_figure_of_the_future_ends_the_polling() -> None:
    source = Source(0.01)
    meter = Polled(source)
    meter.open(cores=1)
    before = meter.read()
    source.watts = "much"  # type: ignore[assignment]
    time.sleep(0.05)
    source.watts = Timed(5.0, time.monotonic_ns() + 10**15)  # type: ignore[assignment]
    time.sleep(0.2)
    (window,) = meter.energy(before, meter.read())
    assert window.gross.reason in (Reason.SENSOR_LOST, Reason.TRACE_GAP)
    source.watts = 100.0
    since_ns = time.monotonic_ns()
    while not meter.samples("node", since_ns):
        time.sleep(0.01)
    meter.close()


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
