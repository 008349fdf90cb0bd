"""Bootstrap intervals of metrics over a sample, and of their ratio to the reference's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.quantities import Reason
from wattmark.statistics import resampled_metric, resampled_ratio
from wattmark.statistics.resampling import tail_probability


def mean_of(scores: np.ndarray):
    return lambda indices: float(scores[indices].mean())


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=60))
def test_the_interval_holds_the_value_and_stays_within_the_scores(scores: list[float]) -> None:
    data = np.array(scores)

    found = resampled_metric(mean_of(data), len(data))

    low, value, high = found.bounds()
    assert value == pytest.approx(data.mean())
    assert data.min() - 1e-12 <= low <= value <= high <= data.max() + 1e-12


def test_the_interval_of_a_mean_is_that_of_students_t_in_a_large_sample() -> None:
    data = np.random.default_rng(1).normal(0.4, 0.2, 400)

    low, value, high = resampled_metric(mean_of(data), 400).bounds()

    half = 1.966 * data.std(ddof=1) / math.sqrt(400)
    assert value - low == pytest.approx(half, rel=0.1)
    assert high - value == pytest.approx(half, rel=0.1)


def test_small_samples_get_wider_tails() -> None:
    # Hesterberg 2015, table 4: the 95 % interval of n = 10 uses tails of 0.0086
    assert tail_probability(10, 0.95) == pytest.approx(0.0086, abs=2e-4)
    assert tail_probability(10_000, 0.95) == pytest.approx(0.025, abs=1e-4)


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for seed in range(100):
        data = rng.beta(2, 3, 25)
        low, _, high = resampled_metric(mean_of(data), 25, seed=seed).bounds()
        hits += low <= 0.4 <= high

    assert 88 <= hits <= 100


def test_what_is_hard_for_both_cancels_in_the_ratio() -> None:
    reference = np.random.default_rng(0).uniform(0, 1, 100)

    ratio = resampled_ratio(mean_of(0.9 * reference), mean_of(reference), 100)

    assert ratio.bounds() == pytest.approx((0.9, 0.9, 0.9))


def test_nothing_is_said_of_two_queries_or_of_a_reference_that_knows_nothing() -> None:
    ones, zeros = np.ones(5), np.zeros(5)

    assert resampled_metric(mean_of(ones), 2).reason is Reason.TOO_FEW_SAMPLES
    assert resampled_metric(lambda _: math.nan, 5).reason is Reason.TOO_FEW_SAMPLES
    assert resampled_ratio(mean_of(ones), mean_of(zeros), 5).reason is Reason.NO_CORRECT_ANSWER
