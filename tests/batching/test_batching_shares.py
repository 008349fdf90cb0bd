"""Shares of energy add up to what the meter read, to the last bit."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.batching.shares import ShareRule, apportion, energy_shares
from wattmark.errors import InputError
from wattmark.quantities import Grade, Quantity, Reason

METERED = {"unit": "J", "grade": Grade.METERED}


@st.composite
def rounds(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    """Batch of each request, duration of each batch, tokens of each request."""
    durations = draw(st.lists(st.integers(0, 10**12), min_size=1, max_size=8))
    requests = st.tuples(st.integers(0, len(durations) - 1), st.integers(0, 5000))
    pairs = draw(st.lists(requests, min_size=1, max_size=40))
    return [batch for batch, _ in pairs], durations, [tokens for _, tokens in pairs]


energies = st.floats(-1e300, 1e300, allow_nan=False)


@settings(derandomize=True, deadline=None)
@given(rounds(), energies, st.floats(0, 1e300), st.booleans(), st.randoms())
def test_the_shares_add_up_exactly_in_any_order(
    requests: tuple[list[int], list[int], list[int]],
    energy_j: float,
    margin_j: float,
    by_tokens: bool,
    random: object,
) -> None:
    batch_of, durations, tokens = requests
    total = Quantity.between(energy_j, energy_j - margin_j, energy_j + margin_j, **METERED)

    shared = energy_shares(total, batch_of, durations, tokens if by_tokens else None)
    values = [share.bounds()[1] for share in shared.shares]

    assert math.fsum(values) == energy_j
    assert sum(values) == energy_j
    random.shuffle(values)  # type: ignore[attr-defined]
    assert sum(values) == energy_j
    assert sum(map(Fraction, values)) == Fraction(energy_j)


@settings(derandomize=True, deadline=None)
@given(rounds(), st.floats(1e-6, 1e9))
def test_a_share_is_within_two_quanta_of_its_exact_proportion(
    requests: tuple[list[int], list[int], list[int]], energy_j: float
) -> None:
    batch_of, durations, _ = requests
    times = {b: max(1, durations[b]) for b in set(batch_of)}

    shared = energy_shares(Quantity.exact(energy_j, "J"), batch_of, durations)

    for batch, share in zip(batch_of, shared.shares, strict=True):
        exact = Fraction(energy_j) * times[batch] / sum(times.values()) / batch_of.count(batch)
        assert share.value is not None
        assert abs(Fraction(share.value) - exact) < 2 * Fraction(math.ulp(energy_j))


def test_equal_shares_of_a_batch_and_the_interval_that_follows() -> None:
    total = Quantity.between(12.0, 10.0, 16.0, "J", level=0.95, grade=Grade.MODELLED)

    shared = energy_shares(total, [0, 0, 1], [1_000_000, 3_000_000])

    assert shared.rule is ShareRule.EQUAL
    assert [share.bounds() for share in shared.shares] == [
        (1.25, 1.5, 2.0),
        (1.25, 1.5, 2.0),
        (7.5, 9.0, 12.0),
    ]
    assert {(s.unit, s.level, s.grade) for s in shared.shares} == {("J", 0.95, Grade.MODELLED)}


def test_shares_by_tokens_from_the_arrays_of_a_record() -> None:
    shared = energy_shares(
        Quantity.exact(8.0, "J"),
        np.array([0, 0, 1]),
        np.array([10**12, 10**12]),
        np.array([10**9, 3 * 10**9, 7]),  # products beyond 64 bits
    )

    assert shared.rule is ShareRule.TOKENS
    assert [share.value for share in shared.shares] == [1.0, 3.0, 4.0]
    assert shared.without_tokens == ()


def test_a_batch_without_tokens_is_shared_equally_and_named() -> None:
    shared = energy_shares(Quantity.exact(8.0, "J"), [0, 1, 1], [1, 1], tokens=[5, 0, 0])

    assert [share.value for share in shared.shares] == [4.0, 2.0, 2.0]
    assert shared.without_tokens == (1,)


def test_a_missing_total_gives_missing_shares_for_the_same_reason() -> None:
    total = Quantity.missing("J", Reason.NO_METER, "no RAPL")

    shared = energy_shares(total, [0, 0], [5])

    assert [(s.value, s.reason, s.detail) for s in shared.shares] == [
        (None, Reason.NO_METER, "no RAPL")
    ] * 2


def test_an_empty_batch_bears_nothing() -> None:
    shared = energy_shares(Quantity.exact(6.0, "J"), [1, 1], [10**9, 5])

    assert [share.value for share in shared.shares] == [3.0, 3.0]


def test_what_is_left_over_goes_to_the_largest_remainders() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(-10, [1, 1, 1]) == [-4, -3, -3]
    assert apportion(7, [6, 4, 0]) == [4, 3, 0]


@pytest.mark.parametrize(
    ("batch_of", "durations", "tokens", "told"),
    [
        ([0, 2], [5, 5], None, "request 1 is in batch 2"),
        ([0], [-5], None, "negative"),
        ([0], [5], [1, 2], "2 token counts were given for 1 requests"),
        ([0], [5], [-1], "negative number of tokens"),
        ([], [5], None, "there is no request"),
    ],
)
def test_input_that_does_not_fit_together_is_refused(
    batch_of: list[int], durations: list[int], tokens: list[int] | None, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        energy_shares(Quantity.exact(1.0, "J"), batch_of, durations, tokens)
