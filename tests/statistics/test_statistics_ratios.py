"""Ratios on synthetic rounds: two padding buckets, a true ratio of 0.8, and what machines do."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wattmark.quantities import Quantity, Reason
from wattmark.statistics import paired_ratio, paired_total_ratio, round_log_ratios

Array = NDArray[np.float64]
TRUTH = 0.8
QUERIES = 100


def simulate(
    rng: np.random.Generator, rounds: int, *, drift: bool = False, bursts: bool = False
) -> tuple[Array, Array]:
    """Latencies of setup and baseline, shape (rounds, queries)."""
    bucket = np.where(rng.random((rounds, QUERIES)) < 0.5, 3.0, 8.0)
    weather = np.exp(np.cumsum(0.05 * rng.standard_normal((rounds, 1)), 0)) if drift else 1.0
    sides = []
    for scale in (TRUTH, 1.0):
        own = np.exp(0.02 * rng.standard_normal((rounds, 1)))
        noise = np.exp(0.08 * rng.standard_normal((rounds, QUERIES)))
        latency = scale * bucket * weather * own * noise
        if bursts:
            start = rng.integers(0, QUERIES, (rounds, 1))
            end = start + rng.integers(10, QUERIES, (rounds, 1))
            at = np.arange(QUERIES)
            hit = (rng.random((rounds, 1)) < 0.15) & (at >= start) & (at < end)
            latency = np.where(hit, rng.uniform(1.2, 2.0, (rounds, 1)) * latency, latency)
        sides.append(latency)
    return sides[0], sides[1]


def covers(ratio: Quantity, truth: float = TRUTH) -> bool:
    low, _, high = ratio.bounds()
    return low <= truth <= high


def coverage(trial: Callable[[np.random.Generator, int], bool], trials: int = 300) -> float:
    rng = np.random.default_rng(7)
    return sum(trial(rng, seed) for seed in range(trials)) / trials


@pytest.mark.parametrize("rounds", [5, 10])
@pytest.mark.parametrize("weather", [{}, {"drift": True}, {"bursts": True},
                                     {"drift": True, "bursts": True}])  # fmt: skip
def test_nominal_95_percent_intervals_cover_90_to_99_percent(
    rounds: int, weather: dict[str, bool]
) -> None:
    def trial(rng: np.random.Generator, seed: int) -> bool:
        setup, baseline = simulate(rng, rounds, **weather)
        return covers(paired_ratio(setup, baseline, resamples=400, seed=seed))

    assert 0.90 <= coverage(trial) <= 0.99


@pytest.mark.parametrize("rounds", [3, 5, 10])
def test_ratios_of_totals_cover_too(rounds: int) -> None:
    def trial(rng: np.random.Generator, seed: int) -> bool:
        weather = np.exp(np.cumsum(0.05 * rng.standard_normal(rounds)))
        noise = np.exp(0.03 * rng.standard_normal((2, rounds)))
        ratio = paired_total_ratio(
            TRUTH * weather * noise[0], weather * noise[1], resamples=400, seed=seed
        )
        return covers(ratio)

    assert 0.90 <= coverage(trial) <= 0.99


def test_three_executions_that_differ_are_covered_and_ignoring_them_is_not() -> None:
    executions = [0] * 4 + [1] * 4 + [2] * 4

    def trial(known: bool) -> Callable[[np.random.Generator, int], bool]:
        def run(rng: np.random.Generator, seed: int) -> bool:
            setup, baseline = simulate(rng, 12)
            setup = setup * np.exp(0.05 * rng.standard_normal(3))[executions][:, None]
            given_executions = executions if known else None
            return covers(
                paired_ratio(setup, baseline, executions=given_executions, resamples=400, seed=seed)
            )

        return run

    assert 0.90 <= coverage(trial(known=True)) <= 0.99
    assert coverage(trial(known=False)) < 0.80


def test_two_executions_that_differ_widen_the_interval_to_their_shift() -> None:
    rng = np.random.default_rng(1)
    setup, baseline = simulate(rng, 10)
    setup[5:] *= 1.2

    blind = paired_ratio(setup, baseline)
    aware = paired_ratio(setup, baseline, executions=[0] * 5 + [1] * 5)

    assert math.log(aware.high / aware.low) / 2 > math.log(1.15)
    assert aware.high / aware.low > blind.high / blind.low
    assert "executions lie up to" in aware.detail


def test_drift_that_hits_both_cancels() -> None:
    setup, baseline = simulate(np.random.default_rng(2), 8)
    drift = np.linspace(1, 3, 8)[:, None]

    assert paired_ratio(drift * setup, drift * baseline).bounds() == pytest.approx(
        paired_ratio(setup, baseline).bounds()
    )


def test_a_ratio_of_medians_jumps_between_buckets_where_the_paired_ratio_stays() -> None:
    short, long = np.full(50, 3.0), np.full(50, 8.0)
    baseline = np.concatenate([short, long, [3.0]])
    setup = TRUTH * baseline
    setup[:2] = 8.0  # two short queries were disturbed

    assert np.median(setup) / np.median(baseline) > 2
    assert np.exp(round_log_ratios([setup], [baseline])) == pytest.approx(TRUTH)


def test_one_disturbed_round_of_five_hardly_moves_the_estimate() -> None:
    setup, baseline = simulate(np.random.default_rng(3), 5)
    setup[2] *= 4

    assert paired_ratio(setup, baseline).value == pytest.approx(TRUTH, rel=0.03)
    assert paired_total_ratio(setup.sum(1), baseline.sum(1)).value == pytest.approx(TRUTH, rel=0.03)


@given(st.integers(3, 12), st.integers(0, 1000), st.floats(0.01, 100))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_the_unit_cancels_and_swapping_inverts(rounds: int, seed: int, unit: float) -> None:
    setup, baseline = simulate(np.random.default_rng(seed), rounds)
    low, value, high = paired_ratio(setup, baseline, resamples=200).bounds()

    scaled = paired_ratio(unit * setup, unit * baseline, resamples=200)
    assert scaled.bounds() == pytest.approx((low, value, high))
    swapped = paired_ratio(baseline, setup, resamples=2000).bounds()
    assert swapped[1] == pytest.approx(1 / value)
    assert swapped[0] < 1 / value < swapped[2]


def test_rounds_of_any_length_and_the_same_seed_give_the_same_figure() -> None:
    rng = np.random.default_rng(4)
    baseline = [rng.lognormal(size=n) for n in (7, 100, 1)]
    setup = [TRUTH * b for b in baseline]

    first = paired_ratio(setup, baseline, seed=1)
    assert first == paired_ratio(setup, baseline, seed=1)
    assert first.bounds() == pytest.approx((TRUTH, TRUTH, TRUTH))


def test_bootstrap_medians_have_the_spread_that_resampling_gives() -> None:
    from wattmark.statistics.ratios import _bootstrap_medians

    rng = np.random.default_rng(5)
    for size in (10, 11, 100):
        ordered = np.sort(rng.lognormal(size=size))
        resampled = np.median(rng.choice(ordered, (20_000, size)), axis=1)
        drawn = _bootstrap_medians(ordered, 20_000, rng)
        probs = [0.05, 0.25, 0.5, 0.75, 0.95]
        gap = np.ptp(ordered) / size
        assert np.quantile(drawn, probs) == pytest.approx(np.quantile(resampled, probs), abs=gap)
        assert drawn.std() == pytest.approx(resampled.std(), rel=0.05)


def test_fewer_than_three_rounds_give_no_ratio() -> None:
    assert paired_ratio([[1.0]] * 2, [[1.0]] * 2).reason is Reason.TOO_FEW_SAMPLES
    assert paired_total_ratio([1.0, 2.0], [1.0, 2.0]).reason is Reason.TOO_FEW_SAMPLES


def test_a_round_without_cost_makes_the_ratio_missing_not_zero() -> None:
    ratio = paired_total_ratio([0.0, 1.0, 1.0], [1.0, 1.0, 1.0])

    assert ratio.reason is Reason.WINDOW_TOO_SHORT


def test_what_does_not_pair_up_is_refused() -> None:
    good = [[1.0, 2.0]] * 3
    with pytest.raises(ValueError, match="rounds do not pair up: 3 and 2"):
        paired_ratio(good, good[:2])
    with pytest.raises(ValueError, match="measurements do not pair up"):
        paired_ratio(good, [[1.0]] * 3)
    with pytest.raises(ValueError, match="positive and finite"):
        paired_ratio(good, [[1.0, 0.0]] * 3)
    with pytest.raises(ValueError, match="2 executions given for 3 rounds"):
        paired_ratio(good, good, executions=[0, 1])
