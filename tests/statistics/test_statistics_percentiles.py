import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from wattmark.quantities import Reason
from wattmark.statistics import (
    TooFewSamplesError,
    percentile_interval,
    percentile_over_rounds,
    percentile_quantity,
)


def test_ranks_agree_with_the_published_table() -> None:
    # Meeker, Hahn and Escobar: n = 100, median, 95 %: the 40th and the 61st in order
    ordered = np.arange(1.0, 101.0)

    assert percentile_interval(ordered, 0.5) == (50, 40, 61)


@pytest.mark.parametrize(("p", "needed"), [(0.5, 6), (0.9, 36), (0.99, 368), (0.1, 36)])
def test_an_interval_exists_from_a_known_number_of_samples_on(p: float, needed: int) -> None:
    samples = np.linspace(1, 2, needed)

    _, low, high = percentile_interval(samples, p)
    assert low < high
    with pytest.raises(TooFewSamplesError, match=f"at least {needed} are needed") as caught:
        percentile_interval(samples[1:], p)
    assert caught.value.needed == needed


@pytest.mark.parametrize(("n", "p"), [(6, 0.5), (100, 0.9), (400, 0.99)])
def test_the_interval_covers_at_least_as_often_as_it_says(n: int, p: float) -> None:
    rng = np.random.default_rng(1)
    truth = -np.log(1 - p)  # of the exponential distribution

    hits = 0
    for _ in range(1000):
        _, low, high = percentile_interval(rng.exponential(size=n), p)
        hits += low <= truth <= high

    assert 940 <= hits <= 990


@given(st.lists(st.floats(-1e6, 1e6), min_size=36, max_size=200), st.sampled_from([0.1, 0.5, 0.9]))
@settings(derandomize=True, deadline=None)
def test_estimate_is_a_sample_within_the_interval(samples: list[float], p: float) -> None:
    value, low, high = percentile_interval(samples, p)

    assert low <= value <= high
    assert {value, low, high} <= set(samples)
    assert np.mean(np.asarray(samples) <= value) >= p


def test_too_few_samples_make_a_missing_quantity_that_says_how_many_it_takes() -> None:
    p99 = percentile_quantity([[12.0] * 100], 0.99, "ms")

    assert p99.reason is Reason.TOO_FEW_SAMPLES
    assert "at least 368" in p99.detail


def test_a_known_percentile_carries_unit_and_level() -> None:
    p50 = percentile_quantity([np.arange(100.0)], 0.5, "ms", level=0.9)

    assert (p50.value, p50.unit, p50.level) == (49, "ms", 0.9)


def test_samples_that_failed_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        percentile_interval([1.0, float("nan")] * 10, 0.5)


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 1e-300, 0.5, 20.0, 1e9]), min_size=1, max_size=40),
        min_size=2,
        max_size=12,
    ).filter(lambda rounds: sum(map(len, rounds)) >= 36),
    st.sampled_from([0.1, 0.5, 0.9]),
)
@settings(derandomize=True, deadline=None)
def test_rounds_in_which_much_took_no_time_have_an_interval_too(
    rounds: list[list[float]], p: float
) -> None:
    value, low, high = percentile_over_rounds(rounds, p)

    alone = percentile_interval(np.concatenate(rounds), p)
    assert value == alone[0]
    assert low <= alone[1] * (1 + 1e-9) and high >= alone[2] * (1 - 1e-9)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_percentiles_of_rounds_that_shift_are_covered_and_by_order_statistics_alone_are_not(
    p: float,
) -> None:
    rng = np.random.default_rng(3)
    truth = float(np.exp(ndtri(p) * math.hypot(0.05, 0.1)))
    covered, naive, runs = 0, 0, 200
    for _ in range(runs):
        shift = 0.05 * rng.standard_normal((10, 1))
        rounds = np.exp(shift + 0.1 * rng.standard_normal((10, 100)))
        _, low, high = percentile_over_rounds(list(rounds), p)
        covered += low <= truth <= high
        _, low, high = percentile_interval(rounds, p)
        naive += low <= truth <= high
    assert covered / runs >= 0.93
    assert naive / runs < 0.87


def test_rounds_that_agree_leave_the_interval_of_order_statistics() -> None:
    samples = np.arange(1.0, 1001.0)
    dealt = [samples[first::10] for first in range(10)]
    assert percentile_over_rounds(dealt, 0.9) == percentile_interval(samples, 0.9)
    assert percentile_over_rounds([samples], 0.9) == percentile_interval(samples, 0.9)
    assert percentile_over_rounds([samples, []], 0.9) == percentile_interval(samples, 0.9)
    in_order = [samples[first : first + 100] for first in range(0, 1000, 100)]
    value, low, high = percentile_over_rounds(in_order, 0.5)
    assert (value, low < 300, high > 800) == (500, True, True)
