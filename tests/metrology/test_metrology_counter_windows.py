"""Counters described by channels: wraps, resets and steps are judged the same everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.metrology.counter_windows import counted_j, counted_window, counter
from wattmark.metrology.counters import Accuracy
from wattmark.quantities import Grade, Reason
from wattmark.records import MeterReading

EXACT = Accuracy(0.0, 1.0, 1.0)


def reading(seconds: float, **joules: float) -> MeterReading:
    return MeterReading(time_ns=round(seconds * 1e9), values=joules)


@given(st.lists(st.integers(1, 40_000_000), min_size=1, max_size=30))
def test_no_microjoule_is_lost_across_wraps(steps_uj: list[int]) -> None:
    channel = counter("rapl", "cpu:0", EXACT, span_j=100.0, max_power_w=25.0)
    at_uj, found_j = 99_000_000, 0.0
    for step_uj in steps_uj:
        after_uj = (at_uj + step_uj) % 100_000_000
        step_j = counted_j(channel, at_uj / 1e6, after_uj / 1e6, 1.0)
        assert isinstance(step_j, float)
        found_j, at_uj = found_j + step_j, after_uj
    assert round(1e6 * found_j) == sum(steps_uj)


def test_a_counter_may_wrap_unseen_after_half_the_time_that_its_limit_takes() -> None:
    channel = counter("rapl", "cpu:0", EXACT, span_j=100.0, max_power_w=25.0)
    unseen = counted_j(channel, 1.0, 5.0, 2.1)
    assert not isinstance(unseen, float) and unseen.reason is Reason.COUNTER_WRAPPED
    assert "rapl cpu:0" in unseen.detail


def test_a_counter_that_went_back_was_reset() -> None:
    channel = counter("nvml", "gpu:0", EXACT, max_power_w=25.0)
    reset = counted_j(channel, 10.0, 9.0, 1.0)
    assert not isinstance(reset, float) and reset.reason is Reason.COUNTER_RESET


@pytest.mark.parametrize(
    ("limit_w", "span_j", "last_j"),
    [(25.0, None, 99.0), (None, None, 3.7e12), (25.0, 100.0, 22e6), (None, None, float("inf")),
     (None, None, float("nan")), (25.0, 1000.0, 99.0), (None, 100.0, 100.0)],
)  # fmt: skip
def test_what_no_device_can_have_used_is_no_figure(limit_w, span_j, last_j) -> None:
    channel = counter("meter", "gpu:0", EXACT, span_j=span_j, max_power_w=limit_w)
    for ends in ((10.0, last_j), (last_j, 10.0)):
        said = counted_j(channel, *ends, 1.0)
        assert not isinstance(said, float)
        went_back = ends[1] < ends[0] < (span_j or 1e99)
        wanted = Reason.COUNTER_RESET if went_back else Reason.READ_FAILED
        assert said.reason is wanted and "meter gpu:0" in said.detail


def test_a_counter_that_moves_in_steps_may_move_by_one_between_two_close_reads() -> None:
    slow = counter("nvml", "gpu:0", Accuracy(0.1, 1.0, 1.0), max_power_w=450.0)
    assert counted_j(slow, 10.0, 55.0, 0.001) == 45.0


def test_a_domain_is_the_sum_of_its_counters_and_missing_where_one_is() -> None:
    sockets = [counter("rapl", f"cpu:{i}", EXACT, domain="cpu") for i in range(2)]
    before = reading(0, **{"cpu:0": 1.0, "cpu:1": 5.0})
    whole = counted_window(sockets, before, reading(1, **{"cpu:0": 3.0, "cpu:1": 6.0}))
    assert (whole.domain, whole.gross.value) == ("cpu", 3.0)
    part = counted_window(sockets, before, reading(1, **{"cpu:0": 3.0}))
    assert part.gross.reason is Reason.READ_FAILED
    assert "rapl cpu:1" in part.gross.detail


def test_a_coarse_counter_is_off_by_a_step_and_refused_below_ten() -> None:
    plug = counter("plug", "node", Accuracy(0.0, 0.5, 2.0), Grade.METERED, quantum_j=2.0)
    window = counted_window([plug], reading(0, node=0.0), reading(9, node=40.0))
    assert window.gross.bounds() == (19.0, 40.0, 84.0)
    assert window.gross.grade is Grade.METERED
    still = counted_window([plug], reading(0, node=0.0), reading(9, node=2.0))
    assert still.gross.reason is Reason.WINDOW_TOO_SHORT
