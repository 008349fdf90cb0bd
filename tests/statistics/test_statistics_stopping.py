"""When to stop and when to look: exact numbers, and both sides of every bound."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattmark.statistics import half_width, is_steady, narrow_enough
from wattmark.statistics.sequential_latency import (
    SequentialLatency,
    SequentialRule,
    Verdict,
    sequential_rule,
)


def test_a_confidence_sequence_of_two_rounds_by_its_formula() -> None:
    s = 1 / 21  # of two rounds and a mixture of variance 10
    k = 1 / (0.9 * math.sqrt(s))
    expected = math.sqrt(2.0) * math.sqrt(0.5 * (k - 1) / (1 - k * s))
    assert half_width([0.0, 2.0], alpha=0.9) == pytest.approx(expected)
    assert half_width([0.0, 2.0]) == math.inf
    x = np.random.default_rng(1).standard_normal(9)
    assert half_width(x) == half_width(x, 0.05)
    exact = math.expm1(half_width(x))
    assert narrow_enough(x, exact * (1 + 1e-9)) and not narrow_enough(x, exact * (1 - 1e-9))
    assert narrow_enough(x, math.expm1(half_width(x, 0.2)) + 1e-9, 0.2)
    with pytest.raises(ValueError, match="alpha"):
        half_width(x, 0.0)


def test_the_rule_of_many_looks_by_its_numbers() -> None:
    p99, p90 = sequential_rule(0.99), sequential_rule(0.9, 0.05, 3000)
    assert (p99.horizon, p99.error, sequential_rule(0.9).horizon) == (20_000, 0.01, 2000)
    assert p99.pass_from[:4] == (717, 953, 1154, 1339)
    assert p99.fail_until[:6] == (0, 0, 3, 15, 36, 64)
    assert (len(p99.pass_from), p99.pass_from[-1]) == (157, 19_965)
    assert (len(p99.fail_until), p99.fail_until[-1]) == (250, 20_000)
    assert p90.pass_from[:4] == (52, 73, 92, 108)
    assert p90.fail_until[:6] == (0, 0, 0, 3, 7, 11)
    assert (p90.false_pass, p90.false_fail) == pytest.approx((0.0499855, 0.0498776), rel=1e-4)
    assert sequential_rule(0.99, horizon=1000).horizon == 1000
    for arguments in ((0.0,), (1.0,), (0.9, 0.0), (0.9, 0.5)):
        with pytest.raises(ValueError, match="lies within"):
            sequential_rule(*arguments)


#: Passes at 10 with none over, at 20 with one; fails at 3 with two over, at 30 with more.
RULE = SequentialRule(0.9, 0.01, 30, (10, 20), (0, 0, 3, 30), 0.01, 0.01)


@pytest.mark.parametrize(
    ("under", "over", "verdict", "more"),
    [
        (0, 0, Verdict.UNDECIDED, 10),
        (9, 0, Verdict.UNDECIDED, 1),
        (10, 0, Verdict.PASS, 0),
        (10, 1, Verdict.UNDECIDED, 9),
        (19, 1, Verdict.PASS, 0),
        (1, 2, Verdict.FAIL, None),
        (2, 2, Verdict.UNDECIDED, None),
        (27, 3, Verdict.FAIL, None),
        (26, 4, Verdict.FAIL, None),  # the last entry holds for all beyond
        (28, 3, Verdict.UNDECIDED, None),  # past the horizon
        (31, 0, Verdict.UNDECIDED, None),
    ],
)
def test_a_verdict_at_both_sides_of_its_bounds(under, over, verdict, more) -> None:
    state = SequentialLatency(RULE).add(under, over)
    assert (state.verdict, state.more_queries) == (verdict, more)
    assert (state.queries, state.finished) == (under + over, more in (0, None))


def test_no_count_is_negative_and_the_horizon_is_the_last_look() -> None:
    start = SequentialLatency(RULE)
    assert (start.queries, start.under, start.over) == (0, 0, 0)
    for under, over in ((-1, 0), (0, -1)):
        with pytest.raises(ValueError, match="not negative"):
            start.add(under, over)
    late = SequentialRule(0.9, 0.01, 30, (10, 40), (0, 0), 0.01, 0.01)
    assert SequentialLatency(late).add(28, 1).more_queries == 11
    assert SequentialLatency(late).add(29, 1).more_queries is None


@pytest.mark.parametrize(
    ("before", "last", "steady"),
    [
        ([103.0] * 3, [100.0] * 3, True),
        ([97.0] * 3, [100.0] * 3, True),
        ([103.1] * 3, [100.0] * 3, False),
        ([96.9] * 3, [100.0] * 3, False),
        ([100.0] * 3, [97.0, 100.0, 103.0], True),
        ([100.0] * 3, [96.9, 100.0, 103.1], False),
        ([100.0, 500.0, 100.0], [100.0, 900.0, 100.0], True),  # one of each was disturbed
        ([100.0, 500.0, 500.0], [100.0] * 3, False),
    ],
)
def test_cycles_may_differ_by_three_percent(before, last, steady) -> None:
    assert is_steady([*before, *last]) is steady
    assert is_steady([7.0, *before, *last]) is steady  # only the last six count
    assert not is_steady([*before, *last][1:])
