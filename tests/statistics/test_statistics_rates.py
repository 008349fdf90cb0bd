import numpy as np
import pytest

from wattmark.quantities import Grade, Reason
from wattmark.statistics import pooled_rate


def test_a_rate_is_total_over_total_not_a_mean_of_rates() -> None:
    rate = pooled_rate([10.0, 90.0], [1, 3], "J/query", grade=Grade.COUNTED)

    assert (rate.value, rate.unit, rate.grade) == (25, "J/query", Grade.COUNTED)


def test_equal_rounds_leave_no_spread() -> None:
    assert pooled_rate([2.0, 4.0, 6.0], [1, 2, 3], "ms").bounds() == (2, 2, 2)


@pytest.mark.parametrize("rounds", [2, 3, 10])
def test_the_interval_covers_the_truth_from_two_rounds_on(rounds: int) -> None:
    rng = np.random.default_rng(3)

    hits = 0
    for _ in range(1000):
        queries = rng.integers(80, 120, rounds)
        totals = 5 * queries * (1 + 0.1 * rng.standard_normal(rounds))
        rate = pooled_rate(totals, queries, "ms")
        hits += rate.low <= 5 <= rate.high

    assert 930 <= hits <= 970


def test_one_round_or_no_cost_is_missing_never_zero() -> None:
    assert pooled_rate([5.0], [1], "ms").reason is Reason.TOO_FEW_SAMPLES
    assert pooled_rate([0.0, 0.0], [1, 1], "J/query").reason is Reason.WINDOW_TOO_SHORT


def test_impossible_totals_are_refused() -> None:
    with pytest.raises(ValueError, match="denominators positive"):
        pooled_rate([1.0, 1.0], [0, 1], "ms")
    with pytest.raises(ValueError, match="one entry a round"):
        pooled_rate([1.0, 1.0], [1], "ms")
