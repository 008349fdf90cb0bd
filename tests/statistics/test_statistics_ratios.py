"""Ratios on synthetic rounds: two padding buckets, a true ratio of 0.8, and what machines do."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from wattmark.quantities import Quantity, Reason
from wattmark.statistics import (
    Costs,
    PastSpread,
    PooledRatio,
    SpreadSource,
    paired_ratio,
    paired_total_ratio,
    pooled_ratios,
    round_log_ratios,
    spreads_of,
)

Array = NDArray[np.float64]
TRUTH = 0.8
QUERIES = 100


def simulate(rng: np.random.Generator, rounds: int) -> tuple[Array, Array]:
    """Latencies of setup and baseline, shape (rounds, queries)."""
    bucket = np.where(rng.random((rounds, QUERIES)) < 0.5, 3.0, 8.0)
    sides = []
    for scale in (TRUTH, 1.0):
        own = np.exp(0.02 * rng.standard_normal((rounds, 1)))
        noise = np.exp(0.08 * rng.standard_normal((rounds, QUERIES)))
        sides.append(scale * bucket * own * noise)
    return sides[0], sides[1]


def covers(ratio: Quantity, truth: float = TRUTH) -> bool:
    low, _, high = ratio.bounds()
    return low <= truth <= high


def half(ratio: Quantity) -> float:
    """Half-width of the interval, on the logarithm."""
    low, _, high = ratio.bounds()
    return math.log(high / low) / 2


def pooled(
    rng: np.random.Generator,
    setups: int,
    executions: int,
    rounds: int,
    spreads: ArrayLike,
    past: Sequence[PastSpread] = (),
) -> list[PooledRatio]:
    """Setups of ratio 1 to a baseline, whose processes differ by these standard deviations."""
    shape = (setups + 1, executions)
    spread = np.broadcast_to(np.asarray(spreads), shape[:1])
    processes = spread[:, None] * rng.standard_normal(shape)
    weather = 0.05 * rng.standard_normal(executions * rounds)
    noise = 0.03 * rng.standard_normal((setups + 1, executions * rounds))
    logs = np.repeat(processes, rounds, axis=1) + weather + noise
    labels = dict(enumerate(np.repeat(np.arange(executions), rounds).tolist()))
    costs = {
        str(n): Costs(dict(enumerate((row - logs[0]).tolist())), labels, tuple(past))
        for n, row in enumerate(logs[1:], 1)
    }
    return list(pooled_ratios(costs, Costs({}, labels, tuple(past))).values())


def coverage_and_width(runs: int, *design: Any) -> tuple[float, float]:
    """Share of ratios that cover 1, and the median half-width of their logarithms."""
    rng = np.random.default_rng(7)
    found = [one.ratio for _ in range(runs) for one in pooled(rng, *design)]
    return sum(covers(r, 1.0) for r in found) / len(found), float(np.median([*map(half, found)]))


@pytest.mark.parametrize("spread", [0.02, 0.05, 0.10])
def test_two_executions_of_ten_setups_hold_the_level_at_a_quarter_of_the_width(
    spread: float,
) -> None:
    covered, width = coverage_and_width(25, 9, 2, 5, spread)
    assert covered >= 0.92
    students_t_of_two_executions = 12.7 * math.hypot(spread, 0.03 / math.sqrt(5))
    assert width < students_t_of_two_executions / 3.5


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.10])
def test_one_execution_is_as_unsure_as_the_prior_says(spread: float) -> None:
    covered, width = coverage_and_width(60, 1, 1, 10, spread)
    assert covered >= 0.92
    assert 1.3 < math.exp(width) < 1.36


def test_a_pair_alone_with_two_executions_leans_on_the_prior() -> None:
    covered, width = coverage_and_width(80, 1, 2, 10, 0.05)
    assert covered >= 0.93
    assert width < 0.18  # Student's t of two executions would say 0.47


def test_setups_that_differ_in_kind_are_each_covered_by_their_own_width() -> None:
    spreads = np.array([*[0.01] * 8, 0.15, 0.15])
    rng = np.random.default_rng(8)
    runs = [pooled(rng, 9, 3, 5, spreads) for _ in range(25)]

    steady = [one.ratio for run in runs for one in run[:7]]
    restless = [one.ratio for run in runs for one in run[7:]]
    assert sum(covers(r, 1.0) for r in steady) / len(steady) >= 0.93
    assert sum(covers(r, 1.0) for r in restless) / len(restless) >= 0.88
    one_pool = 2.09 * math.sqrt(2 / 3 * np.square(spreads).mean())
    assert np.median([*map(half, steady)]) < 0.7 * one_pool
    assert np.median([*map(half, restless)]) > 2 * np.median([*map(half, steady)])


def test_where_most_is_known_from_is_told_with_its_degrees_of_freedom() -> None:
    rng = np.random.default_rng(9)
    past = [PastSpread(between=0.02**2, rounds=0.0, degrees=6.0)]

    (first, *_) = pooled(rng, 9, 2, 5, 0.02)
    assert (first.source, first.executions) == (SpreadSource.RUN, 2)
    assert first.degrees == pytest.approx(9.0)
    (first, *_) = pooled(rng, 3, 1, 5, 0.02, past)
    assert (first.source, first.degrees) == (SpreadSource.HISTORY, 6.0)
    (first, *_) = pooled(rng, 3, 1, 5, 0.02)
    assert (first.source, first.degrees) == (SpreadSource.PRIOR, 0.0)


def test_what_a_run_leaves_for_later_ones_is_its_mean_squares_between_executions() -> None:
    rng = np.random.default_rng(11)
    processes = 0.06 * rng.standard_normal((200, 3))
    noise = 0.03 * rng.standard_normal((200, 12))
    logs = np.repeat(processes, 4, axis=1) + noise + rng.standard_normal(12)
    labels = dict(enumerate([0] * 4 + [1] * 4 + [2] * 4))

    left = spreads_of({str(n): Costs(dict(enumerate(row)), labels) for n, row in enumerate(logs)})

    assert sum(seen.degrees for seen in left.values()) == pytest.approx(199 * 2)
    between = float(np.mean([seen.between - seen.rounds for seen in left.values()]))
    assert math.sqrt(between) == pytest.approx(0.06, rel=0.1)
    alone = Costs(dict(enumerate(logs[0])), labels)
    assert spreads_of({"0": alone}) == {}
    once = replace(alone, executions=dict.fromkeys(labels, 0))
    assert spreads_of({"0": once, "1": once}) == {}


def test_history_replaces_the_prior_and_fades_with_age() -> None:
    def width(*past: PastSpread) -> float:
        return half(pooled(np.random.default_rng(10), 3, 1, 20, 0.01, past)[0].ratio)

    steady = PastSpread(between=0.01**2, rounds=0.0, degrees=8.0)
    lately, long_ago = width(steady), width(replace(steady, age_days=1800.0))
    assert lately < 0.08 < 0.2 < long_ago < width()
    assert width(replace(steady, between=0.15**2)) > width()
    # setups of one framework differ: what its past says is never taken for the setup's own
    assert width(replace(steady, degrees=800.0)) == pytest.approx(lately)


def test_a_disturbed_round_weighs_no_more_where_there_are_executions() -> None:
    setup, baseline = simulate(np.random.default_rng(3), 10)
    setup[2] *= 4
    ratio = paired_ratio(setup, baseline, executions=[0] * 5 + [1] * 5)
    assert ratio.value == pytest.approx(TRUTH, rel=0.03)


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
    low, value, high = paired_ratio(setup, baseline).bounds()

    scaled = paired_ratio(unit * setup, unit * baseline)
    assert scaled.bounds() == pytest.approx((low, value, high))
    swapped = paired_ratio(baseline, setup).bounds()
    assert swapped == pytest.approx((1 / high, 1 / value, 1 / low))


def test_rounds_of_any_length_that_all_agree_give_their_ratio() -> None:
    rng = np.random.default_rng(4)
    baseline = [rng.lognormal(size=n) for n in (7, 100, 1)]
    setup = [TRUTH * b for b in baseline]

    assert paired_ratio(setup, baseline).value == pytest.approx(TRUTH)


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
