"""The highest sustained rate is found from above."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.advice.rate_search import highest_rate


@settings(derandomize=True)
@given(st.floats(14.0, 99.0))
def test_the_answer_lies_between_what_was_sustained_and_what_was_not(limit: float) -> None:
    found = highest_rate(lambda rate: rate <= limit, 100.0)
    assert found.sustained is not None and found.refused is not None
    assert found.sustained <= limit < found.refused
    assert found.refused / found.sustained < 1.08  # 0.75 halved twice, geometrically


def test_a_ceiling_that_is_sustained_needs_one_probe() -> None:
    found = highest_rate(lambda rate: True, 100.0)
    assert (found.sustained, found.refused, len(found.probes)) == (100.0, None, 1)


def test_a_static_batch_that_fills_too_slowly_below_does_not_mislead() -> None:
    found = highest_rate(lambda rate: 40.0 <= rate <= 60.0, 100.0)
    assert found.sustained is not None and 55.0 < found.sustained <= 60.0


@pytest.mark.parametrize("least", [0.0, 60.0])
def test_none_is_sustained(least: float) -> None:
    found = highest_rate(lambda rate: False, 100.0, least=least)
    assert found.sustained is None and found.refused is not None
    assert all(rate >= least for rate, _ in found.probes)
