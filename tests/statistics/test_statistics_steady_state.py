import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.statistics import MIN_CYCLES, is_steady


def cycles_until_steady(times: list[float]) -> int | None:
    return next((n for n in range(1, len(times) + 1) if is_steady(times[:n])), None)


def test_a_flat_line_is_steady_at_the_minimum_whatever_the_first_cycle_took() -> None:
    assert cycles_until_steady([1.0] * 10) == MIN_CYCLES
    assert cycles_until_steady([500.0] + [1.0] * 10) == MIN_CYCLES


@pytest.mark.parametrize("per_cycle", [0.9, 1.1])
def test_a_trend_down_or_up_is_never_steady(per_cycle: float) -> None:
    assert cycles_until_steady([per_cycle**n for n in range(50)]) is None


def test_an_exponential_warm_up_ends_when_little_of_it_is_left() -> None:
    times = [1 + 2 * np.exp(-n / 4) for n in range(60)]
    end = cycles_until_steady(times)

    assert end is not None
    assert times[end - 1] < 1.03
    assert end < 25


def test_a_late_step_within_the_last_cycles_is_seen() -> None:
    assert not is_steady([2.0] * 20 + [1.0] * 3)
    assert is_steady([2.0] * 20 + [1.0] * 6)


def test_one_disturbed_cycle_in_each_window_does_not_prolong_warm_up() -> None:
    assert is_steady([1.0, 5.0, 1.0, 1.0, 1.0, 3.0])


def test_noise_beyond_the_tolerance_only_delays() -> None:
    rng = np.random.default_rng(1)
    ends = [cycles_until_steady(list(np.exp(0.05 * rng.standard_normal(100)))) for _ in range(200)]

    assert None not in ends
    assert np.median([e for e in ends if e]) <= 12


@given(st.lists(st.floats(0.1, 10), max_size=20), st.sampled_from([0.25, 2.0, 1024.0]))
@settings(derandomize=True, deadline=None)
def test_the_unit_does_not_matter(times: list[float], unit: float) -> None:
    assert is_steady([unit * t for t in times]) == is_steady(times)
