"""Exact values of every interval, and both sides of what it may be asked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from wattmark.quantities import Reason
from wattmark.statistics import (
    accuracy_quantity,
    paired_ratio,
    paired_total_ratio,
    percentile_interval,
    percentile_quantity,
    pooled_rate,
    queries_needed,
    relative_quality,
    resampled_metric,
    resampled_ratio,
    server_verdict,
    stream_estimate,
    wilson_interval,
)
from wattmark.statistics.percentiles import samples_needed
from wattmark.statistics.rates import rate_half_width

Array = NDArray[np.float64]


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(6, 120), st.floats(0.05, 0.95), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_the_ranks_of_a_percentile_are_those_of_its_definition(
    n: int, p: float, level: float
) -> None:
    tail = (1 - level) / 2
    lower = [k for k in range(1, n + 1) if binom.cdf(k - 1, n, p) <= tail]
    upper = [k for k in range(1, n + 1) if binom.sf(k - 1, n, p) <= tail]
    if n < samples_needed(p, level):
        assert not lower or not upper
        return
    ranks = (math.ceil(n * p - 1e-9), max(lower), min(upper))
    assert percentile_interval(np.arange(1, n + 1), p, level) == ranks


def test_percentiles_of_a_hundred() -> None:
    hundred = range(1, 101)
    assert percentile_interval(hundred, 0.9) == (90, 84, 96)
    assert percentile_interval(hundred, 0.1, 0.8) == (10, 6, 15)
    quantity = percentile_quantity([hundred], 0.9)
    assert (quantity.unit, quantity.level, quantity.bounds()) == ("ms", 0.95, (84, 90, 96))


def test_as_many_samples_as_the_tails_take() -> None:
    assert [samples_needed(p) for p in (0.5, 0.9, 0.99)] == [6, 36, 368]
    assert samples_needed(0.5, 0.5) == 2  # a half to the power of two is a quarter, exactly
    assert samples_needed(0.5, 1e-15) == 1


@pytest.mark.parametrize(("p", "level"), [(0.0, 0.9), (1.0, 0.9), (0.5, 0.0), (0.5, 1.0)])
def test_shares_lie_strictly_between_zero_and_one(p: float, level: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        percentile_interval(range(1000), p, level)


def test_too_few_samples_are_told_with_what_was_asked() -> None:
    with pytest.raises(ValueError, match=r"^35 samples .* of the 90th percentile at level 0.95"):
        percentile_interval(range(35), 0.9)


def test_a_run_that_is_exactly_as_improbable_as_allowed_is_not_enough() -> None:
    # half of two queries over: probability a quarter; of one: a half
    assert [queries_needed(0.5, 0, c) for c in (0.5, 0.75)] == [2, 3]
    # at most one over in three: a half; in four: 5 / 16
    assert queries_needed(0.5, 1, 0.5) == 4
    # at most two over in five: a half
    found = stream_estimate(range(5), 0.5, 0.5)
    assert (found.latency_ns, found.discarded, found.queries, found.queries_needed) == (4, 0, 5, 4)


def test_a_hundred_latencies_leave_out_the_two_largest_at_p90() -> None:
    assert [queries_needed(0.9, over) for over in (2, 3, 4)] == [81, 97, 113]
    found = stream_estimate(range(1, 101), 0.9)
    assert (found.latency_ns, found.discarded, found.queries_needed) == (98, 2, 64)


def test_a_server_run_by_hand() -> None:
    good = server_verdict([5] * 64, 4, 0.9)
    assert (good.passed, good.queries, good.over_latency) == (False, 64, 64)
    one_over = server_verdict([1] * 64 + [9], 4, 0.9)
    assert (one_over.passed, one_over.queries, one_over.more_queries) == (True, 65, 0)
    assert server_verdict([1] * 62 + [9], 4, 0.9).more_queries == 1
    assert server_verdict([1, 1], 4, 0.5, 0.5).passed


@pytest.mark.parametrize(("percentile", "confidence"), [(0.0, 0.9), (1.0, 0.9), (0.9, 0.0)])
def test_early_stopping_wants_shares(percentile: float, confidence: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        queries_needed(percentile, 0, confidence)
    with pytest.raises(ValueError, match="confidence is a share strictly"):
        queries_needed(0.9, 0, 1.0)
    with pytest.raises(ValueError, match="one latency a query"):
        server_verdict([[1, 2], [3, 4]], 1, 0.9)


def wilson(p: float, n: int, z: float) -> tuple[float, float]:
    centre, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)


def test_proportions_may_be_none_or_all() -> None:
    assert wilson_interval(1, 1) == pytest.approx(wilson(1.0, 1, 1.959964), abs=1e-6)
    assert wilson_interval(0, 1) == pytest.approx(wilson(0.0, 1, 1.959964), abs=1e-6)
    assert wilson_interval(3, 4, 0.9) == pytest.approx(wilson(0.75, 4, 1.644854), abs=1e-6)
    for successes, n in ((0, 0), (-0.1, 4), (4.1, 4)):
        with pytest.raises(ValueError, match="is not a proportion"):
            wilson_interval(successes, n)
    found = accuracy_quantity(3, 4)
    assert (found.value, found.level) == (0.75, 0.95)
    assert accuracy_quantity(1, 1).known


def test_relative_quality_by_its_formula() -> None:
    # right in both 1, only the setup 1, only the reference 7, neither 12
    setup, reference = [1, 1] + [0] * 19, [1, 0] + [1] * 7 + [0] * 12
    found = relative_quality(setup, reference)
    m = 1 + 1 + 7

    def error(right: int) -> float:
        p = (right + 1) / (m + 2)
        return math.sqrt((1 - p) / ((m + 2) * p))

    k = math.sqrt((1 + 7 + 2) / ((2 + 1) * (8 + 1))) / (error(2) + error(8))
    ours, theirs = (wilson(right / m, m, k * 1.959964) for right in (2, 8))
    expected = (ours[0] / theirs[1], 2 / 8, ours[1] / theirs[0])
    assert found.bounds() == pytest.approx(expected, rel=1e-6)
    assert found.level == 0.95
    with pytest.raises(ValueError, match="same queries"):
        relative_quality([[1, 0]], [[1, 0]])
    with pytest.raises(ValueError, match="0 or 1"):
        relative_quality([1], [2])


def test_a_rate_of_two_rounds_by_hand() -> None:
    # R = 3, each round off by 1: se = sqrt(2 / 1 x 2) / 2 = 1, and t with one degree is 12.706
    found = pooled_rate([2.0, 4.0], [1.0, 1.0], "ms")
    assert found.bounds() == pytest.approx(
        (3 / math.exp(12.7062 / 3), 3.0, 3 * math.exp(12.7062 / 3)), rel=1e-4
    )
    assert found.level == 0.95
    assert rate_half_width(np.array([2.0, 4.0]), np.array([1.0, 1.0])) == pytest.approx(12.7062)
    weighted = rate_half_width(np.array([1.0, 5.0, 6.0]), np.array([1.0, 2.0, 3.0]), 0.9)
    residuals_squared = (1 - 2) ** 2 + (5 - 4) ** 2 + (6 - 6) ** 2
    assert weighted == pytest.approx(2.919986 * math.sqrt(3 / 2 * residuals_squared) / 6)


def test_a_round_may_cost_nothing_but_not_less() -> None:
    assert pooled_rate([0.0, 2.0], [1.0, 1.0], "ms").value == 1.0
    for y, x in (([-1.0, 2.0], [1.0, 1.0]), ([1.0, 2.0], [1.0, -1.0]), ([math.inf, 1.0], [1, 1])):
        with pytest.raises(ValueError, match="totals must be finite"):
            pooled_rate(y, x, "ms")
    with pytest.raises(ValueError, match="one entry a round"):
        pooled_rate([[1.0, 1.0]], [[1.0, 1.0]], "ms")


def rounds(n: int) -> tuple[Array, Array]:
    """Latencies of a setup that takes about 0.8 of its baseline, shape (n, 21)."""
    rng = np.random.default_rng(n)
    baseline = np.exp(rng.normal(1, 0.3, (n, 21)))
    noise = np.exp(rng.normal(0, 0.1, (n, 21))) * np.exp(rng.normal(0, 0.03, (n, 1)))
    return 0.8 * baseline * noise, baseline


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_point_of_a_ratio_is_the_trimmed_mean_of_its_rounds(n: int) -> None:
    setup, baseline = rounds(n)
    found = paired_ratio(setup, baseline)
    logs = np.sort(np.median(np.log(setup / baseline), axis=1))
    cut = n // 5  # a fifth of the rounds at either end
    assert found.value == pytest.approx(math.exp(logs[cut : n - cut].mean()))
    totals = paired_total_ratio(setup.sum(1), baseline.sum(1))
    logs = np.sort(np.log(setup.sum(1) / baseline.sum(1)))
    assert totals.value == pytest.approx(math.exp(logs[cut : n - cut].mean()))
    for ratio in (found, totals):
        low, value, high = ratio.bounds()
        assert low * high == pytest.approx(value**2)  # as far up as down, on the logarithm
        assert ratio.level == 0.95


def test_three_rounds_make_a_ratio_and_what_is_not_positive_does_not() -> None:
    for found in (
        paired_ratio([[1.0]] * 3, [[2.0]] * 3),
        paired_total_ratio([1.0] * 3, [2.0] * 3),
    ):
        low, value, high = found.bounds()
        # rounds that agree leave the spread between processes: the prior's, of one execution
        assert value == 0.5 and low * high == pytest.approx(0.25)
        assert 1.25 < high / value < 1.40
    for setup, baseline in (([0.0, 1, 1], [1.0, 1, 1]), ([1.0, 1, 1], [1.0, 0, 1])):
        found = paired_total_ratio(setup, baseline)
        assert found.reason is Reason.WINDOW_TOO_SHORT
    with pytest.raises(ValueError, match="positive and finite"):
        paired_total_ratio([-1.0, 1, 1], [1.0, 1, 1])
    with pytest.raises(ValueError, match="do not pair up"):
        paired_total_ratio([1.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="do not pair up"):
        paired_ratio([[]] * 3, [[]] * 3)


def mean_of(scores: Array):
    return lambda indices: float(scores[indices].mean())


def test_a_seed_always_gives_the_same_bootstrap() -> None:
    rng = np.random.default_rng(2)
    setup, reference = rng.random(12), rng.random(12)
    metric = resampled_metric(mean_of(setup), 12)
    assert metric.bounds() == pytest.approx((0.2275070, 0.3902237, 0.5663636), rel=1e-6)
    assert (metric.unit, metric.level) == ("1", 0.95)
    ratio = resampled_ratio(mean_of(setup), mean_of(reference), 12, level=0.8, seed=4)
    assert ratio.bounds() == pytest.approx((0.5066798, 0.6775623, 0.8602276), rel=1e-6)
    assert resampled_ratio(mean_of(setup), mean_of(reference), 12).level == 0.95


def test_three_queries_are_enough_where_most_resamples_are_defined() -> None:
    scores = np.array([1.0, 1.0, 1.0])
    assert resampled_metric(mean_of(scores), 3).bounds() == (1.0, 1.0, 1.0)
    assert resampled_ratio(mean_of(scores), mean_of(scores), 2).reason is Reason.TOO_FEW_SAMPLES

    def defined_for(share: int):
        """Every so many-th call fails, the first one aside."""
        calls = iter(range(10_000))
        return lambda _: 1.0 if next(calls) % share != 1 else math.nan

    assert resampled_metric(defined_for(2), 3).bounds() == (1.0, 1.0, 1.0)  # just a half are
    seldom = iter(range(10_000))
    found = resampled_metric(lambda _: math.nan if next(seldom) % 5 else 1.0, 3)
    assert found.reason is Reason.TOO_FEW_SAMPLES
    assert "most resamples" in found.detail
    # a reference that is 0 in some resamples only: these are left out
    some = np.array([0.0, 0.0, 1.0, 1.0])
    assert resampled_ratio(mean_of(some), mean_of(some), 4).bounds() == (1.0, 1.0, 1.0)
