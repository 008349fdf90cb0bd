from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import MeterError
from wattmark.metrology.dram_power import dram_energy, dram_power, module_power_w, modules
from wattmark.quantities import Grade


@pytest.mark.parametrize(
    "memory_gb, count", [(1, 1), (8, 2), (24, 4), (64, 4), (128, 8), (256, 8), (512, 8), (1024, 8)]
)
def test_the_number_of_modules_follows_the_size(memory_gb, count):
    assert modules(memory_gb) == count


def test_a_huge_machine_has_at_most_32_modules():
    assert modules(16_384) == 32


def test_later_modules_count_less_and_at_least_two_count():
    assert module_power_w(1, 5.0) == 10.0
    assert module_power_w(64, 5.0) == 20.0
    assert module_power_w(128, 5.0) == pytest.approx(5 * (4 + 4 * 0.9))
    assert module_power_w(16_384, 5.0) == pytest.approx(5 * (4 + 3.6 + 6.4 + 11.2))


def test_the_interval_spans_both_published_rules():
    power = dram_power(64)
    assert power.bounds() == pytest.approx((20.0, (20.0 * 23.84) ** 0.5, 23.84))
    assert power.grade is Grade.MODELLED
    assert dram_power(64, "arm").bounds()[0] == pytest.approx(6.0)


@settings(derandomize=True, deadline=None)
@given(st.floats(0, 1e5), st.floats(0.5, 1e4), st.floats(0, 1), st.floats(0, 1))
def test_what_is_allocated_is_never_more_than_all_of_it(wall_s, memory_gb, first, last):
    gross, allocated = dram_energy(wall_s, memory_gb, (first, last))
    assert all(0 <= a <= g for a, g in zip(allocated.bounds(), gross.bounds(), strict=True))


def test_the_share_of_the_work_is_between_its_ends():
    gross, allocated = dram_energy(10.0, 64, (0.25, 0.75))
    low, value, high = gross.bounds()
    assert allocated.bounds() == pytest.approx((0.25 * low, 0.5 * value, 0.75 * high))


@pytest.mark.parametrize("wall_s, gb, share", [(-1, 8, 0.1), (1, 0, 0.1), (1, 8, 1.1)])
def test_impossible_memory_is_refused(wall_s, gb, share):
    with pytest.raises(MeterError, match="memory"):
        dram_energy(wall_s, gb, (0.0, share))
