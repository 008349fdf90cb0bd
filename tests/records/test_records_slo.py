"""Objectives as text: what they bound, both sides of the limit, and what cannot be read."""

from __future__ import annotations

import pytest

from wattmark.errors import InputError
from wattmark.records.slo import parse_slo


@pytest.mark.parametrize(
    ("text", "metric", "quantile", "limit_s", "at_the_limit"),
    [
        ("p99<50ms", "latency", 0.99, 0.05, False),
        ("ttft_p95<=200ms", "ttft", 0.95, 0.2, True),
        ("tpot_p99.9<40us", "tpot", 0.999, 0.00004, False),
        (" p50 <= 1.5s ", "latency", 0.5, 1.5, True),
    ],
)
def test_a_bound_is_read(text, metric, quantile, limit_s, at_the_limit) -> None:
    (bound,) = parse_slo(text).bounds
    assert (bound.metric, bound.quantile) == (metric, pytest.approx(quantile))
    assert bound.limit_s == pytest.approx(limit_s)
    assert bound.holds(bound.limit_s) is at_the_limit
    assert bound.holds(0.99 * bound.limit_s) and not bound.holds(1.01 * bound.limit_s)
    assert str(bound) == text.replace(" ", "")


def test_all_bounds_hold_together_and_a_missing_time_keeps_none() -> None:
    slo = parse_slo("ttft_p95<200ms, p99<=1s")
    assert str(slo) == "ttft_p95<200ms,p99<=1s"
    assert slo.kept_by({"ttft": 0.1, "latency": 1.0})
    assert not slo.kept_by({"ttft": 0.2, "latency": 1.0})
    assert not slo.kept_by({"ttft": 0.1, "latency": 1.1})
    assert not slo.kept_by({"ttft": 0.1})
    assert not slo.kept_by({"ttft": None, "latency": 1.0})
    assert not slo.kept_by({})


def test_one_percentile_of_two_metrics_and_two_of_one_are_different_bounds() -> None:
    assert len(parse_slo("p99<1s,ttft_p99<1s,p95<1s").bounds) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read: write it like"),
        ("p99>50ms", "cannot be read"),
        ("p99<50", "cannot be read"),
        ("mean_p99<50ms", "'mean' in 'mean_p99<50ms' is not known"),
        ("p99<50min", "the unit 'min'"),
        ("p0<50ms", "is not between 0 and 100"),
        ("p100<50ms", "is not between 0 and 100"),
        ("p99<0ms", "is 0: no request can keep it"),
        ("p99<5ms,p99<=6ms", "bounds the same percentile twice: 'p99<=6ms'"),
    ],
)
def test_what_is_no_objective_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as told:
        parse_slo(text)
    assert said in str(told.value)


def test_the_edge_of_a_percentile_is_within() -> None:
    assert [b.quantile for b in parse_slo("p0.1<1s,p99.99<1s").bounds] == [0.001, 0.9999]
