import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.quantities import Reason
from wattmark.statistics import accuracy_quantity, relative_quality, wilson_interval


def test_wilson_interval_agrees_with_newcombe_1998() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


@given(st.integers(1, 5000), st.floats(0, 1))
@settings(derandomize=True, deadline=None)
def test_wilson_interval_contains_the_share_and_mirrors(n: int, share: float) -> None:
    successes = share * n
    low, high = wilson_interval(successes, n)

    assert 0 <= low <= successes / n <= high <= 1
    assert wilson_interval(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_accuracy_of_nothing_is_missing() -> None:
    assert accuracy_quantity(0, 0).reason is Reason.TOO_FEW_SAMPLES


def test_accuracy_is_never_sure_of_perfection() -> None:
    accuracy = accuracy_quantity(100, 100)

    assert (accuracy.value, accuracy.high, accuracy.unit) == (1.0, 1.0, "1")
    assert accuracy.low == pytest.approx(0.963, abs=5e-4)


def test_more_successes_than_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="11 successes of 10"):
        wilson_interval(11, 10)


def test_pairing_makes_relative_quality_far_surer_than_the_accuracies() -> None:
    reference = np.repeat([1, 0], [800, 200])
    setup = reference.copy()
    setup[[0, 1, 2]] = 0

    relative = relative_quality(setup, reference)
    assert relative.value == pytest.approx(797 / 800)
    assert relative.high - relative.low < 0.015
    assert accuracy_quantity(797, 1000).high - accuracy_quantity(797, 1000).low > 0.045


def test_agreement_on_every_query_is_not_certainty() -> None:
    answers = np.repeat([1, 0], [80, 20])
    relative = relative_quality(answers, answers)

    assert relative.value == 1
    assert 0.9 < relative.low < 0.99
    assert 1.01 < relative.high < 1.1


@pytest.mark.parametrize(
    ("n", "accuracy", "gained", "lost"), [(100, 0.8, 0.05, 0.08), (1000, 0.9, 0.005, 0.01)]
)
def test_relative_quality_covers_the_truth(
    n: int, accuracy: float, gained: float, lost: float
) -> None:
    rng = np.random.default_rng(2)
    shares = [accuracy - gained, gained, lost, 1 - accuracy - lost]
    truth = accuracy / (accuracy - gained + lost)

    hits = 0
    for counts in rng.multinomial(n, shares, size=1000):
        relative = relative_quality(
            np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)
        )
        hits += relative.low <= truth <= relative.high

    assert 935 <= hits <= 985


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
@settings(derandomize=True, deadline=None)
def test_swapping_setup_and_reference_inverts_the_interval(pairs: list[tuple[bool, bool]]) -> None:
    setup, reference = np.array(pairs).astype(int).T
    forward, backward = relative_quality(setup, reference), relative_quality(reference, setup)

    if not reference.any():
        assert forward.reason is Reason.NO_CORRECT_ANSWER
    elif setup.any():
        low, value, high = forward.bounds()
        assert backward.bounds() == pytest.approx((1 / high, 1 / value, 1 / low))


def test_unequal_queries_and_partial_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="same queries"):
        relative_quality([1, 0], [1, 0, 1])
    with pytest.raises(ValueError, match="0 or 1"):
        relative_quality([0.5], [1])
    assert relative_quality([], []).reason is Reason.TOO_FEW_SAMPLES
