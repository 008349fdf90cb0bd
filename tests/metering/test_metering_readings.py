"""Meters that are read together: what one of them raises costs its own figures and no others."""

from __future__ import annotations

import pytest

from wattmark.contracts import MeterInfo
from wattmark.errors import MeterError
from wattmark.metering.opened import OpenMeters
from wattmark.metering.readings import Readings
from wattmark.metering.replay import ReplayMeter
from wattmark.quantities import Reason
from wattmark.records import MeterReading


class Plug(ReplayMeter):
    """Shows 60 J more at each reading; can be told to fail."""

    def __init__(self, name: str, readings: int = 10, *, opens: bool = True) -> None:
        shown = [MeterReading(time_ns=i * 10**9, values={"node": 60.0 * i}) for i in range(10)]
        super().__init__(shown[:readings], name=name)
        self.opens, self.closes, self.closed = opens, True, False

    def open(self, cores: int) -> MeterInfo:
        if not self.opens:
            raise MeterError(f"{self.name} is in use")
        return super().open(cores)

    def close(self) -> None:
        self.closed = True
        if not self.closes:
            raise MeterError(f"{self.name} does not let go")


def test_a_window_is_what_lies_between_two_readings() -> None:
    with Readings.own([Plug("left"), Plug("right")]) as opened:
        before, middle, after = opened.read(), opened.read(), opened.read()

    assert opened.names == ("left", "right")
    assert [w.gross.value for w in opened.energy(before, middle)] == [60.0, 60.0]
    assert [w.gross.value for w in opened.energy(before, after)] == [120.0, 120.0]


def test_a_meter_that_fails_leaves_the_others_their_figures() -> None:
    with Readings.own([Plug("left", readings=1), Plug("right")]) as opened:
        rows = [opened.read() for _ in range(3)]

    left, right = opened.energy(rows[0], rows[1])
    assert (left.gross.reason, right.gross.value) == (Reason.SENSOR_LOST, 60.0)
    left, right = opened.energy(rows[1], rows[2])
    assert (left.gross.reason, right.gross.value) == (Reason.READ_FAILED, 60.0)
    assert "all 1 recorded readings were used" in left.gross.detail


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_no_document_can_hold_is_one_that_could_not_be_read(value: float) -> None:
    odd = MeterReading(time_ns=10**9, values={"node": value, "cpu": 5.0})
    whole = [MeterReading(time_ns=t * 10**9, values={"node": 60.0 * t, "cpu": t}) for t in (0, 2)]
    with Readings.own([ReplayMeter([whole[0], odd, whole[1]])]) as opened:
        rows = [opened.read() for _ in range(3)]

    (cpu,) = [w for w in opened.energy(rows[0], rows[1]) if w.domain == "cpu"]
    assert cpu.gross.value == 5.0
    for first, last in ((0, 1), (1, 2)):
        (node,) = [w for w in opened.energy(rows[first], rows[last]) if w.domain == "node"]
        assert node.gross.reason is Reason.READ_FAILED
        assert type(node).model_validate_json(node.model_dump_json()) == node
    (node,) = [w for w in opened.energy(rows[0], rows[2]) if w.domain == "node"]
    assert node.gross.value == 120.0


def test_a_clock_that_goes_back_costs_the_window_and_not_the_meter() -> None:
    shown = [MeterReading(time_ns=t * 10**9, values={"node": 60.0 * t}) for t in (3, 1, 2)]
    with Readings.own([ReplayMeter(shown)]) as opened:
        rows = [opened.read() for _ in range(3)]

    (back,) = opened.energy(rows[0], rows[1])
    assert back.gross.reason is Reason.CLOCK_WENT_BACK and "2 s older" in back.gross.detail
    (after,) = opened.energy(rows[1], rows[2])
    assert after.gross.value == 60.0


def test_own_meters_are_closed_at_the_end_all_of_them() -> None:
    meters = [Plug("left"), Plug("right")]
    meters[0].closes = False
    with pytest.raises(MeterError, match="left does not let go"), Readings.own(meters):
        pass

    assert [meter.closed for meter in meters] == [True, True]


def test_what_was_opened_is_closed_where_a_later_meter_cannot_be_opened() -> None:
    first = Plug("first")
    with pytest.raises(MeterError, match="second is in use"):
        Readings.own([first, Plug("second", opens=False)])

    assert first.closed


def test_shared_meters_stay_open_for_the_next_user(monkeypatch: pytest.MonkeyPatch) -> None:
    plug = Plug("plug")
    monkeypatch.setattr("wattmark.metering.selection.choose", lambda names=(): [plug])
    monkeypatch.setattr("wattmark.metering.readings.OPEN_METERS", OpenMeters())

    with Readings.shared(("plug",)) as first:
        first.read()
    with Readings.shared(("plug",)) as second:
        _, node = second.read(), second.read()

    assert not plug.closed
    assert first.meters == second.meters
    assert node[0].values == {"node": 120.0}  # type: ignore[union-attr]
