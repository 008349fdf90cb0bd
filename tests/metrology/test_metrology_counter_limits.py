"""Both sides of every limit of counters, idle power and shares, with values by hand."""

from __future__ import annotations

import math

import pytest

from wattmark.errors import MeterError
from wattmark.metrology.counter_windows import (
    counted_flags,
    counted_j,
    counted_sum,
    counted_window,
    counter,
)
from wattmark.metrology.counters import (
    Accuracy,
    counted_energy,
    difference,
    elapsed_s,
    longest_gap_s,
    window_without_idle,
)
from wattmark.metrology.idle import idle_allocated, idle_power, idle_subtracted, reserved_share
from wattmark.metrology.student import T_95, t_95
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import MeterReading

EXACT = Accuracy(0.0, 1.0, 1.0)


def reading(seconds: float, **joules: float) -> MeterReading:
    return MeterReading(time_ns=round(seconds * 1e9), values=joules)


def reason_of(found: float | Quantity) -> Reason | None:
    return found.reason if isinstance(found, Quantity) else None


@pytest.mark.parametrize(("before", "after"), [(-1, 5), (5, -1), (100, 5), (5, 100)])
def test_a_reading_beyond_either_end_of_its_counter_is_refused(before: int, after: int) -> None:
    with pytest.raises(MeterError, match="outside its range 0 to 99"):
        difference(before, after, span=100)


def test_a_counter_may_draw_twice_its_limit_and_no_more() -> None:
    assert longest_gap_s(100.0, 25.0) == 2.0
    channel = counter("nvml", "gpu:0", EXACT, max_power_w=25.0)
    assert counted_j(channel, 10.0, 60.0, 1.0) == 50.0
    assert reason_of(counted_j(channel, 10.0, 60.1, 1.0)) is Reason.READ_FAILED
    assert counted_j(channel, 10.0, 10.0, 1.0) == 0.0
    assert reason_of(counted_j(channel, 10.0, 9.9, 1.0)) is Reason.COUNTER_RESET
    # two readings at the same moment say nothing of power
    assert counted_j(channel, 10.0, 12.0, 0.0) == 2.0
    free = counter("plug", "node", EXACT)
    assert counted_j(free, 0.0, 1e7, 1.0) == 1e7
    assert reason_of(counted_j(free, 0.0, 1.01e7, 1.0)) is Reason.READ_FAILED


def test_a_counter_that_wraps_is_believed_up_to_its_longest_gap() -> None:
    channel = counter("rapl", "cpu:0", EXACT, span_j=100.0, max_power_w=25.0)
    assert counted_j(channel, 90.0, 10.0, 2.0) == 20.0
    assert reason_of(counted_j(channel, 90.0, 10.0, 2.001)) is Reason.COUNTER_WRAPPED
    assert reason_of(counted_j(channel, 10.0, 70.5, 1.0)) is Reason.READ_FAILED
    assert counted_j(channel, 0.000001, 0.000003, 1.0) == 0.000002
    unlimited = counter("rapl", "cpu:0", EXACT, span_j=100.0)
    assert counted_j(unlimited, 90.0, 10.0, 1e6) == 20.0


def test_the_worst_of_several_counters_bounds_their_sum() -> None:
    parts = [
        counter("rapl", "cpu:0", Accuracy(0.1, 0.8, 1.0), quantum_j=1.0, domain="cpu"),
        counter("rapl", "cpu:1", Accuracy(0.2, 0.9, 1.25), Grade.MODELLED, quantum_j=2.0),
    ]
    found = counted_sum(parts, 100.0, 10.0)
    edges_j = 2 * 0.2 * 10.0 + 3.0  # the slower one, at both edges, and a step of each
    assert found.bounds() == pytest.approx(((100 - edges_j) / 1.25, 100, (100 + edges_j) / 0.8))
    assert (found.grade, found.level) == (Grade.COUNTED, 0.95)
    assert counted_sum(parts, 29.9, 10.0).reason is Reason.WINDOW_TOO_SHORT
    assert counted_sum(parts, 30.0, 10.0).known
    assert [c.domain for c in parts] == ["cpu", "cpu:1"]


def test_one_part_time_sensor_marks_its_domain() -> None:
    whole, part = (counter("x", k, EXACT, part_time=k == "b") for k in "ab")
    assert counted_flags([whole, part]) == (Reason.ALIASING,)
    assert counted_flags([whole]) == ()
    window = counted_window([whole, part], reading(0, a=0, b=0), reading(1, a=1, b=2))
    assert (window.flags, window.gross.value) == ((Reason.ALIASING,), 3.0)


@pytest.mark.parametrize(("before", "after"), [({"a": 1.0}, {}), ({}, {"a": 1.0})])
def test_a_counter_is_read_at_both_ends(before: dict[str, float], after: dict[str, float]) -> None:
    window = counted_window([counter("x", "a", EXACT)], reading(0, **before), reading(1, **after))
    assert window.gross.reason is Reason.READ_FAILED


def test_ten_steps_and_ten_updates_are_enough_and_no_time_is_not() -> None:
    assert counted_energy(20.0, 1.0, EXACT, quantum_j=2.0).bounds() == (18.0, 20.0, 22.0)
    assert counted_energy(19.9, 1.0, EXACT, quantum_j=2.0).reason is Reason.WINDOW_TOO_SHORT
    for wall_s in (0.0, -1.0):
        assert counted_energy(1.0, wall_s, EXACT).reason is Reason.WINDOW_TOO_SHORT
    assert counted_energy(1.0, 1e-9, EXACT).bounds() == (1.0, 1.0, 1.0)
    assert counted_energy(1.0, 1e-9, EXACT, grade=Grade.METERED).grade is Grade.METERED


def test_seconds_between_readings() -> None:
    assert elapsed_s(reading(1.0), reading(3.5)) == 2.5
    assert elapsed_s(reading(1.0), reading(1.0)) == 0.0


def test_without_idle_power_a_window_says_why_or_repeats_why_it_is_missing() -> None:
    ends = reading(0), reading(1)
    known = window_without_idle("m", "cpu", Quantity.exact(5.0, "J"), *ends)
    assert known.gross.value == 5.0
    for energy in (known.idle_subtracted, known.idle_allocated):
        assert energy.reason is Reason.IDLE_NOT_MEASURED
        assert energy.detail == "the meter saw no idle window of this machine"
    lost = Quantity.missing("J", Reason.SENSOR_LOST, "unplugged")
    missing = window_without_idle("m", "cpu", lost, *ends)
    assert missing.gross == missing.idle_subtracted == missing.idle_allocated == lost


def test_students_t_is_that_of_the_tables() -> None:
    # any table of the two-sided 95 % points
    assert T_95 == (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
    assert [t_95(n) for n in (1, 2, 9, 10, 1000)] == [12.706, 4.303, 2.262, 2.262, 2.262]


def test_two_parts_of_an_idle_time_widen_it_and_one_says_nothing() -> None:
    gross = Quantity.between(100.0, 90.0, 110.0, "J", level=0.9)
    assert idle_power(gross, 10.0, [3.0]).bounds() == pytest.approx((9.0, 10.0, 11.0))
    found = idle_power(gross, 10.0, [9.5, 10.5])
    half = 12.706 * math.sqrt(0.5) / math.sqrt(2)
    assert found.bounds() == pytest.approx((9.0 - half, 10.0, 11.0 + half))
    assert found.level == pytest.approx(0.9)
    assert idle_power(Quantity.exact(100.0, "J"), 10.0, [9.5, 10.5]).level == 0.95
    with pytest.raises(MeterError, match="above 0 s"):
        idle_power(gross, -1.0)


def test_work_answers_for_no_more_than_the_machine() -> None:
    assert reserved_share("cpu", 8, 4) == reserved_share("cpu", 1, 1) == 1.0
    assert reserved_share("cpu", 1, 4) == 0.25
    for reserved, cores in ((0, 4), (1, 0), (-1, 4)):
        with pytest.raises(MeterError, match="no share"):
            reserved_share("cpu", reserved, cores)
    with pytest.raises(MeterError, match="within 0 to 1"):
        idle_allocated(Quantity.exact(1.0, "J"), Quantity.exact(1.0, "W"), 1.0, -0.1)


def test_a_window_that_is_just_idle_is_known_and_below_it_is_not() -> None:
    one_watt = Quantity.exact(1.0, "W")
    assert idle_subtracted(Quantity.exact(10.0, "J"), one_watt, 10.0).bounds() == (0.0, 0.0, 0.0)
    below = idle_subtracted(Quantity.exact(9.99, "J"), one_watt, 10.0)
    assert below.reason is Reason.IDLE_NOT_MEASURED
    assert "9.99 J" in below.detail


def test_the_low_end_of_an_allocated_energy_is_clipped_where_its_value_is_not_below_zero() -> None:
    one_watt = Quantity.exact(1.0, "W")
    at_zero = idle_allocated(Quantity.between(10.0, 8.0, 12.0, "J"), one_watt, 10.0, 0.0)
    assert at_zero.bounds() == pytest.approx((0.0, 0.0, 2.0))
    under = idle_allocated(Quantity.between(9.0, 8.0, 12.0, "J"), one_watt, 10.0, 0.0)
    assert under.bounds() == pytest.approx((-2.0, -1.0, 2.0))
    over = idle_allocated(Quantity.between(15.0, 12.0, 16.0, "J"), one_watt, 10.0, 0.0)
    assert over.bounds() == pytest.approx((2.0, 5.0, 6.0))
