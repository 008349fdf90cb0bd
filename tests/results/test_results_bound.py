"""Whether a server kept its bound, from the latencies of all counted tests."""

from __future__ import annotations

from typing import Any

import pytest
from rounds_with_samples import measured, samples
from synthetic_run import BASELINE

from wattmark.records import Plan
from wattmark.results.bound_results import latency_bound
from wattmark.results.measurement import Measured
from wattmark.statistics import accuracy_quantity, pooled_rate


def a_plan(**changes: Any) -> Plan:
    fields = {
        "name": "p", "task": "t", "model": "m", "setups": [BASELINE], "scenario": "server",
        "mlperf": {"target_latency_ms": 10.0},
    }  # fmt: skip
    return Plan.model_validate(fields | changes)


TESTS = measured(
    [
        samples([9.0, 10.0, 10.001, 3.0]),  # at the bound is under it
        samples([1.0, 2.0, 3.0, 4.0], error=[None, "no answer", None, None]),
    ],
    wall_s=[0.5, 1.5],
)


def test_share_and_goodput_count_what_was_answered_within_the_bound() -> None:
    found = latency_bound(a_plan(), TESTS)

    assert found is not None
    assert (found.limit_ms, found.percentile) == (10.0, 0.99)
    assert found.share == accuracy_quantity(6, 8)
    assert found.goodput == pooled_rate([3, 3], [0.5, 1.5], "query/s")
    assert found.goodput.value == 3.0


@pytest.mark.parametrize(
    ("latency_ms", "verdict"), [(9.0, "pass"), (11.0, "fail")], ids=["under", "over"]
)
def test_the_verdict_is_of_all_queries(latency_ms: float, verdict: str) -> None:
    found = latency_bound(a_plan(), measured([samples([latency_ms] * 1000)] * 2))
    assert found is not None and found.verdict == verdict


def test_few_queries_give_no_verdict_and_say_how_many_it_takes() -> None:
    found = latency_bound(a_plan(), measured([samples([9.0] * 10)] * 2))
    assert found is not None and found.verdict not in ("pass", "fail")
    assert found.more_queries is not None and found.more_queries > 100


@pytest.mark.parametrize(
    "changes",
    [
        {"mlperf": {}},
        {"mlperf": None},
        {"mlperf": {"target_latency_ms": 10.0, "mode": "accuracy"}},
        {"scenario": "offline"},
        {"scenario": "single-stream", "mlperf": None},
    ],
    ids=str,
)
def test_a_plan_without_such_a_bound_has_no_verdict(changes: dict[str, Any]) -> None:
    assert latency_bound(a_plan(**changes), TESTS) is None
    assert latency_bound(a_plan(), Measured({}, {})) is None
