"""Every figure of a load that was put to a server, from requests whose times are round numbers."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import pytest

from wattmark.endpoints.outcomes import Failure, Load, Request, TokenSource
from wattmark.metrology.counters import window_without_idle
from wattmark.planning.prompts import Prompts
from wattmark.quantities import Quantity, Reason
from wattmark.records import EndpointPlan, EndpointResult, EnergyWindow, MeterReading
from wattmark.results.endpoint_results import endpoint_result
from wattmark.statistics import accuracy_quantity, pooled_rate

MS = 1_000_000
#: How long each of the ten blocks of four requests lasted: to the last end of the one before.
BLOCKS_S = [0.346] + [0.408] * 9


def valid(index: int, latency_ms: float | None = None, late_ms: float | None = None) -> Request:
    """One request every 100 ms: 40 ms and 2 ms more each time, the first token after 10 ms and 1.

    It is taken up 10 us times its number late; eleven tokens, (3 + 0.1 index) ms each after the
    first.
    """
    due = 100 * MS * index
    late = 0.01 * index if late_ms is None else late_ms
    took = 40 + 2 * index if latency_ms is None else latency_ms
    return Request(
        index=index,
        scheduled_ns=due,
        issued_ns=due + round(late * MS),
        first_token_ns=due + (10 + index) * MS,
        last_token_ns=due + (40 + 2 * index) * MS,
        pieces=11,
        first_pieces=1,
        token_times_ns=array(
            "q", (due + round((10 + index + n * (3 + 0.1 * index)) * MS) for n in range(11))
        ),
        end_ns=due + round(took * MS),
        tokens_in=5 + index % 2,
        tokens_out=11,
        token_source=TokenSource.USAGE,
    )


def failed(index: int, failure: Failure, sentence: str = "") -> Request:
    request = valid(index)
    request.failure, request.sentence = failure, sentence
    return request


def a_load(requests: Sequence[Request], **changes: Any) -> Load:
    """In the order of their ends, which is another than that of the schedule."""
    fields: dict[str, Any] = {
        "name": "4 clients",
        "planned": 50,
        "requests": list(requests)[::-1],
        "duration_ns": 4_500 * MS,
        "cpu_ns": 900 * MS,
        "connections": 4,
    }
    return Load(**fields | changes)


ANSWERED = [valid(n) for n in range(40)]
REQUESTS = [
    *ANSWERED,
    failed(40, Failure.SERVER_ERROR, "the first"),
    failed(41, Failure.SERVER_ERROR, "the second"),
    failed(42, Failure.CUT_OFF),
]
SLO = "p90<100ms,ttft_p50<=30ms"


def a_plan(**changes: Any) -> EndpointPlan:
    fields = {"url": "http://h", "api": "openai", "model": "m", "concurrency": 4, "slo": SLO}
    return EndpointPlan.model_validate(fields | changes)


def a_result(
    load: Load | None = None,
    windows: Sequence[EnergyWindow] = (),
    flags: Sequence[str] = (),
    prompts: Prompts | None = None,
    **plan: Any,
) -> EndpointResult:
    return endpoint_result(
        a_plan(**plan), prompts or Prompts(["a"], ""), load or a_load(REQUESTS), windows, flags
    )


def test_counts_and_times_of_a_load() -> None:
    found = a_result()

    assert (found.arrivals, found.planned, found.connections) == ("4 clients", 50, 4)
    assert (found.requests, found.valid, found.stopped) == (43, 40, "")
    assert found.duration_s == 4.5
    assert found.generator_busy == pytest.approx(0.2)
    assert found.generator_cpu_per_query == Quantity.exact(900 / 43, "ms/query")
    assert found.lateness_p99_ms == pytest.approx(0.4158)  # of all, to 0.42 ms


def test_latencies_are_of_valid_replies_from_the_scheduled_arrival() -> None:
    found = a_result()

    assert (found.latency.p50.value, found.latency.p90.value) == (78.0, 110.0)
    assert found.latency.mean.value == pytest.approx(79.0)
    assert found.latency.mean.unit == found.latency.p50.unit == "ms"
    assert (found.time_to_first_token.p50.value, found.time_to_first_token.p90.value) == (29, 45)
    assert found.time_per_output_token.p50.value == pytest.approx(4.9)
    assert found.time_per_output_token.mean.value == pytest.approx(4.95)
    sums = [sum(40 + 2 * n for n in range(4 * b, 4 * b + 4)) for b in range(10)]
    assert found.latency.mean.high == pytest.approx(pooled_rate(sums, [4] * 10, "ms").high)


def test_rates_are_over_the_time_of_ten_blocks() -> None:
    found = a_result()

    assert found.throughput == pooled_rate([4] * 10, BLOCKS_S, "query/s")
    assert found.throughput.value == pytest.approx(40 / 4.018)
    assert found.tokens_per_second == pooled_rate([44] * 10, BLOCKS_S, "token/s")
    assert found.goodput == pooled_rate([4] * 5 + [1] + [0] * 4, BLOCKS_S, "query/s")


def test_a_block_that_ended_before_the_one_before_it_has_a_time_above_zero() -> None:
    slow_first = [valid(0, latency_ms=20_000), *(valid(n) for n in range(1, 20))]
    found = a_result(a_load(slow_first))

    assert found.throughput == pooled_rate([2] * 10, [20.0] + [1e-9] * 9, "query/s")


def test_shares_of_an_objective_count_failures_and_not_what_was_cut_off() -> None:
    latency, first_token = a_result().slo

    assert (latency.bound, latency.kept) == ("p90<100ms", False)
    assert latency.share == accuracy_quantity(30, 42)
    assert first_token.bound == "ttft_p50<=30ms"
    assert first_token.share == accuracy_quantity(21, 42)
    assert first_token.kept  # exactly the half
    (token,) = a_result(slo="tpot_p50<5ms").slo
    assert token.share == accuracy_quantity(20, 42) and not token.kept


def test_an_objective_is_judged_on_the_figure_that_it_shows() -> None:
    latency, first_token = a_result().slo
    assert latency.figure is not None and first_token.figure is not None
    # the 38th of 42 requests, of which two failed: 40 ms and 2 ms more each time
    assert (latency.figure.value, latency.figure.unit) == (114.0, "ms")
    assert (first_token.figure.value, first_token.kept) == (30.0, True)  # the 21st of 42
    for found in a_result(slo="p75<98ms,ttft_p25<50ms,tpot_p10<3.5ms,p97<60s,p99.9<60s").slo:
        limit_ms = {"p75<98ms": 98, "ttft_p25<50ms": 50, "tpot_p10<3.5ms": 3.5}.get(found.bound)
        assert found.figure is not None
        if limit_ms is None:  # it falls among those that failed
            assert not found.kept and found.figure.detail == "2 of 42 requests have no such time"
        else:
            assert found.kept is (found.figure.bounds()[1] < limit_ms)
            assert found.figure.level == pytest.approx(0.95)


def test_the_figure_of_few_requests_says_how_sure_its_interval_is() -> None:
    (few,) = a_result(a_load(ANSWERED[:20]), slo="p95<80ms").slo
    assert few.figure is not None
    low, value, high = few.figure.bounds()
    assert (value, high) == (76.0, 78.0) and low < value
    assert few.figure.level is not None and 0.5 < few.figure.level < 0.95


def test_percentiles_of_gaps_and_of_tokens() -> None:
    found = a_result()
    assert found.time_between_tokens is not None and found.time_between_tokens.p95 is not None
    assert found.time_between_tokens.p50.value == pytest.approx(4.9)  # as many of each request
    assert found.time_between_tokens.p95.value == pytest.approx(6.7)
    assert found.time_per_output_token.p95 is not None
    assert found.tokens_in is not None and found.tokens_out is not None
    assert found.tokens_in.p50 == Quantity.exact(5, "token/query")
    assert found.tokens_in.p90 == found.tokens_in.p99 == Quantity.exact(6, "token/query")
    assert found.tokens_out.p95 == Quantity.exact(11, "token/query")


def test_a_count_that_cannot_be_is_missing_for_that_reason() -> None:
    unbelieved = [valid(n) for n in range(4)]
    for request in unbelieved:
        request.tokens_out, request.count_fault = None, "the server says -1"
    found = a_result(a_load(unbelieved))
    assert found.tokens_out is not None
    for figure in (
        found.tokens_out.p50,
        found.tokens_out_per_query,
        found.tokens_per_second,
        found.time_per_output_token.p50,
    ):
        assert figure.detail == "the server says -1"


def test_options_that_a_server_refused_are_in_the_result() -> None:
    assert a_result().left_out is None
    assert a_result(a_load(REQUESTS, left_out=("temperature",))).left_out == ("temperature",)


def test_without_an_objective_there_is_no_goodput() -> None:
    found = a_result(slo=None)
    assert found.goodput.reason is Reason.NOT_ASKED
    assert (found.goodput.unit, found.slo) == ("query/s", ())


def test_failures_are_counted_by_kind_with_the_first_sentence() -> None:
    server, cut = a_result().failures

    assert (server.kind, server.count, server.example) == ("http_5xx", 2, "the first")
    assert server.sentence == "the server failed at the request"
    assert (cut.kind, cut.count, cut.example) == ("cut_off", 1, "")


def test_tokens_are_means_and_missing_where_one_was_not_counted() -> None:
    found = a_result()
    assert found.tokens_in_per_query == Quantity.exact(5.5, "token/query")
    assert found.tokens_out_per_query == Quantity.exact(11.0, "token/query")
    assert found.token_sources == ("usage",)

    uncounted = valid(40)
    uncounted.tokens_out = None
    uncounted.token_source = TokenSource.TOKENIZER
    found = a_result(a_load([*ANSWERED, uncounted]))
    assert found.tokens_in_per_query.known
    assert found.tokens_out_per_query.reason is Reason.NOT_MEASURED
    assert found.tokens_per_second.reason is Reason.NOT_MEASURED
    assert found.tokens_per_second.unit == "token/s"
    assert found.time_per_output_token.p50.value == pytest.approx(4.9)  # of those that have one
    assert found.token_sources == ("usage",)
    counted = valid(40)
    counted.token_source = TokenSource.TOKENIZER
    assert a_result(a_load([*ANSWERED, counted])).token_sources == ("tokenizer", "usage")


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({}, Reason.NOT_MEASURED),
        ({"api": "openai-completions"}, Reason.NOT_MEASURED),
        ({"stream": False}, Reason.NOT_SUPPORTED),
        ({"api": "oip-v2"}, Reason.NOT_SUPPORTED),
        ({"api": "openai-embeddings"}, Reason.NOT_SUPPORTED),
    ],
    ids=str,
)
def test_no_first_token_is_missing_or_not_supported(plan: dict[str, Any], reason: Reason) -> None:
    whole = [valid(n) for n in range(4)]
    for request in whole:
        request.first_token_ns = None
    found = a_result(a_load(whole), slo=None, **plan)

    for times in (
        found.time_to_first_token,
        found.time_per_output_token,
        found.time_between_tokens,
    ):
        assert times is not None and times.p95 is not None
        every = (times.p50, times.p90, times.p95, times.p99, times.mean)
        assert {q.reason for q in every} == {reason}
        assert {q.detail for q in every} == {"no text was streamed"}
    assert found.latency.mean.known


def test_a_first_token_is_missing_for_no_bound_of_it() -> None:
    whole = [valid(n) for n in range(4)]
    whole[0].first_token_ns = None
    found = a_result(a_load(whole), slo="ttft_p50<1s")
    assert found.slo[0].share == accuracy_quantity(3, 4)


def test_nothing_was_asked() -> None:
    found = a_result(a_load([], duration_ns=0))

    assert (found.requests, found.valid, found.failures, found.flags) == (0, 0, (), ())
    assert (found.lateness_p99_ms, found.generator_busy) == (0.0, 0.0)
    assert found.latency.p50.reason is Reason.NOT_MEASURED
    assert found.throughput.reason is Reason.TOO_FEW_SAMPLES
    assert found.generator_cpu_per_query.reason is Reason.NOT_MEASURED
    assert found.tokens_in_per_query.reason is found.tokens_per_second.reason is Reason.NOT_MEASURED


@pytest.mark.parametrize(
    ("latency_ms", "late_ms", "cpu_share", "saturated"),
    [
        (78, 0, 0.9, False),
        (78, 0, 0.91, True),
        (80, 8, 0, False),  # a tenth of the median
        (80, 8.1, 0, True),
        (5, 1, 0, False),  # 1 ms at least
        (5, 1.1, 0, True),
    ],
)
def test_when_a_generator_is_saturated(latency_ms, late_ms, cpu_share, saturated) -> None:
    requests = [valid(n, latency_ms, late_ms) for n in range(40)]
    for request in requests:
        request.first_token_ns = None
    found = a_result(a_load(requests, cpu_ns=round(cpu_share * 4_500 * MS)))
    assert (found.flags == ("generator_saturated",)) is saturated
    assert found.flags in ((), ("generator_saturated",))


def a_window(domain: str, joules: float, *flags: Reason) -> EnergyWindow:
    reading = MeterReading(time_ns=0, values={})
    gross = Quantity.between(joules, 0.5 * joules, 2 * joules, "J")
    window = window_without_idle("plug", domain, gross, reading, reading)
    half, third = (Quantity.exact(joules / n, "J") for n in (2, 4))
    return window.model_copy(
        update={"idle_subtracted": half, "idle_allocated": third, "flags": flags}
    )


def test_flags_stand_in_order() -> None:
    windows = [a_window("cpu", 1, Reason.TRACE_GAP), a_window("dram", 1, Reason.CONTENTION)]
    found = a_result(a_load(REQUESTS, stopped="interrupted"), windows, ["theirs"])
    assert found.flags == ("failed_queries", "interrupted", "contention", "trace_gap", "theirs")
    cut = a_result(a_load([*ANSWERED, failed(42, Failure.CUT_OFF)]))
    assert cut.flags == ()  # what Ctrl-C cut off is nobody's failure


def test_energy_is_over_all_requests_and_adds_up() -> None:
    found = a_result(windows=[a_window("cpu", 43.0), a_window("dram", 86.0)])
    cpu, _ = found.energy

    assert (cpu.meter, cpu.domain) == ("plug", "cpu")
    assert cpu.per_query.bounds() == pytest.approx((0.5, 1.0, 2.0))
    assert (cpu.per_query.unit, cpu.idle_subtracted_per_query.value) == ("J/query", 0.5)
    assert cpu.idle_allocated_per_query.value == 0.25
    assert cpu.per_1000_queries.bounds() == pytest.approx((0.5 / 3.6, 1 / 3.6, 2 / 3.6))
    assert cpu.per_1000_queries.unit == "Wh/kquery"
    assert cpu.per_correct.reason is Reason.NOT_ASKED
    assert found.energy_per_query.value == pytest.approx(3.0)
    assert a_result().energy_per_query.reason is Reason.NO_METER_ON_SERVER


class Parity:
    """Says of a text whether it is "even"."""

    metric = "accuracy"

    def predict(self, text: str) -> str:
        return text.strip()

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        return sum(a == b for a, b in zip(predictions, labels, strict=True)) / len(labels)


def test_quality_is_over_the_first_reply_to_each_prompt_with_a_label() -> None:
    task: Any = Parity()
    prompts = Prompts(["0", "1", "2", "3", "4"], "", task, ["even", "odd", "even", None, "even"])
    texts = {5: "odd", 0: "even ", 1: "even", 2: "even", 3: "odd", 4: "even"}
    found = a_result(a_load(REQUESTS, texts=texts), prompts=prompts)

    assert found.quality_metric == "accuracy"
    assert found.quality.value == pytest.approx(3 / 4)
    assert found.quality.bounds() == (0.0, 0.75, 1.0)  # of four replies
    for other in ({"api": "oip-v2"}, {"api": "openai-embeddings"}):
        assert a_result(a_load(REQUESTS, texts=texts), prompts=prompts, **other).quality.reason
    completions = a_result(a_load(REQUESTS, texts=texts), prompts=prompts, api="openai-completions")
    assert completions.quality == found.quality
    unasked = a_result()
    assert (unasked.quality_metric, unasked.quality.reason) == (None, Reason.NOT_ASKED)
