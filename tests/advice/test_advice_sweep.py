"""Where a batch-size curve ends, and where its sweet spots lie."""

from __future__ import annotations

import pytest
from synthetic_run import BASELINE, make_result

from wattmark.advice.sweep_points import SweepPoint, goes_on, require_answerable, sweet_spots
from wattmark.errors import InputError
from wattmark.quantities import Quantity
from wattmark.records import Failure, Result
from wattmark.records.slo import parse_slo
from wattmark.reports.sweep_table import sweep_chart, sweep_table


def point(batch: int, rate: float, latency_ms: float = 10.0, ratio: float = 1.0) -> SweepPoint:
    """A batch size with a throughput known to 5 %."""
    throughput = Quantity.between(rate, 0.95 * rate, 1.05 * rate, "query/s")
    result = make_result(BASELINE, latency_ms, ratio, 842, throughput=throughput)
    return SweepPoint(BASELINE, batch, "run", result)


def exhausted(batch: int) -> SweepPoint:
    failure = Failure(stage="round", reason="out_of_memory", message="full")
    trial = make_result(BASELINE, 10.0, 1.0, 842).trial
    return SweepPoint(BASELINE, batch, "run", Result(trial=trial, status="failed", failure=failure))


@pytest.mark.parametrize(
    ("rates", "further"),
    [([100], True), ([100, 190], True), ([100, 190, 185], True), ([100, 190, 150], False)],
)
def test_it_goes_on_until_throughput_has_surely_fallen(rates: list[float], further: bool) -> None:
    points = [point(2**i, rate) for i, rate in enumerate(rates)]
    assert goes_on(points) is further


def test_running_out_of_memory_is_a_point_and_ends_it() -> None:
    points = [point(1, 100), exhausted(2)]
    assert not goes_on(points)
    table = sweep_table(points)
    assert table.rows[1].failure == "out_of_memory"
    assert len(sweep_chart(points)["data"]["values"]) == 1
    assert sweet_spots(points, None).fastest is points[0]


def test_sweet_spots_are_chosen_among_those_that_keep_the_objective() -> None:
    quick, middle, slow = (
        point(1, 100, latency_ms=10, ratio=1.0),
        point(4, 200, latency_ms=20, ratio=0.6),
        point(16, 300, latency_ms=90, ratio=0.5),
    )
    points = [quick, middle, slow]
    best = sweet_spots(points, parse_slo("p50<50ms"))
    assert (best.fastest, best.leanest) == (middle, middle)
    free = sweet_spots(points, None)
    assert (free.fastest, free.leanest) == (slow, slow)
    none = sweet_spots(points, parse_slo("p50<1ms"))
    assert (none.fastest, none.leanest) == (None, None)


def test_a_percentile_that_is_not_known_keeps_no_objective() -> None:
    few = point(1, 100)
    latency = few.result.latency
    assert latency is not None
    unknown = latency.model_copy(update={"p99": Quantity.missing("ms", "too_few_samples")})
    few = SweepPoint(BASELINE, 1, "run", few.result.model_copy(update={"latency": unknown}))
    assert few.keeps(parse_slo("p99<50ms")) is None
    assert few.keeps(parse_slo("p50<1ms,p99<50ms")) is False
    assert sweet_spots([few], parse_slo("p99<50ms")).fastest is None


@pytest.mark.parametrize("text", ["ttft_p99<1s", "p95<50ms"])
def test_an_objective_that_a_curve_cannot_judge_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot be judged"):
        require_answerable(parse_slo(text))
