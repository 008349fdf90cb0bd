from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import MeterError
from wattmark.metrology.counters import (
    Accuracy,
    counted_energy,
    difference,
    elapsed_s,
    longest_gap_s,
    total,
)
from wattmark.quantities import Grade, Reason
from wattmark.records import MeterReading

EPYC_SPAN_UJ = 65_532_610_987 + 1


@settings(derandomize=True, deadline=None)
@given(st.data(), st.integers(2, 2**64), st.integers(0, 2**64))
def test_an_unwrapped_total_equals_what_was_used(data, span, start):
    steps = data.draw(st.lists(st.integers(0, span - 1), max_size=50))
    counter = [value % span for value in accumulate(steps, initial=start)]
    assert total(counter, span) == sum(steps)


def test_no_microjoule_is_lost_in_a_hundred_thousand_reads_with_thousands_of_wraps():
    steps = np.random.default_rng(7).integers(0, EPYC_SPAN_UJ // 8, size=100_000).tolist()
    cumulative = list(accumulate(steps, initial=EPYC_SPAN_UJ - 1))
    assert cumulative[-1] // EPYC_SPAN_UJ > 5_000
    assert total((c % EPYC_SPAN_UJ for c in cumulative), EPYC_SPAN_UJ) == sum(steps)


def test_the_step_over_the_highest_value_counts_one():
    assert difference(99, 0, span=100) == 1
    assert difference(0, 99, span=100) == 99


def test_a_reading_outside_the_range_of_its_counter_is_refused():
    with pytest.raises(MeterError, match="outside its range 0 to 99"):
        difference(5, 100, span=100)


def test_longest_gap_is_half_the_wrap_time_at_the_power_limit():
    # an EPYC 7543 at its 225 W wraps every 291 s
    assert longest_gap_s(65_532.61, 225.0) == pytest.approx(291.26 / 2, rel=1e-4)


def test_the_interval_holds_gain_and_one_update_period_at_each_edge():
    energy = counted_energy(100.0, 10.0, Accuracy(0.1, gain_low=0.8, gain_high=1.25))
    # mean power 10 W: each edge may hide 10 W x 0.1 s
    assert energy.bounds() == pytest.approx((98 / 1.25, 100.0, 102 / 0.8))
    assert energy.grade is Grade.COUNTED


@settings(derandomize=True, deadline=None)
@given(
    truth_w=st.floats(1, 1000),
    wall_s=st.floats(1, 1000),
    gain=st.floats(0.9, 1.1),
    start_lag=st.floats(0, 1),
    end_lag=st.floats(0, 1),
)
def test_the_interval_covers_any_gain_and_stale_edges(truth_w, wall_s, gain, start_lag, end_lag):
    accuracy = Accuracy(0.1, gain_low=0.9, gain_high=1.1)
    seen_j = gain * truth_w * (wall_s + 0.1 * (start_lag - end_lag))
    low, _, high = counted_energy(seen_j, wall_s, accuracy).bounds()
    assert low * (1 - 1e-9) <= truth_w * wall_s <= high * (1 + 1e-9)


def test_a_window_below_ten_update_periods_is_missing_and_at_ten_it_is_not():
    accuracy = Accuracy(0.1, 0.9, 1.1)
    short = counted_energy(5.0, 0.99, accuracy)
    assert (short.value, short.reason) == (None, Reason.WINDOW_TOO_SHORT)
    assert "at least 1 s" in short.detail
    assert counted_energy(5.0, 1.0, accuracy).known


def test_a_counter_that_stood_still_is_a_failed_reading_not_zero():
    still = counted_energy(0.0, 10.0, Accuracy(0.1, 0.9, 1.1))
    assert (still.value, still.reason) == (None, Reason.READ_FAILED)


def test_readings_in_the_wrong_order_are_refused():
    early, late = (MeterReading(time_ns=t, values={}) for t in (1, 2))
    with pytest.raises(MeterError, match="older"):
        elapsed_s(late, early)
