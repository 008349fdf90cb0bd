"""What a load put to a server gave, from the times of its requests.

Latencies are of valid replies and count from the scheduled arrival; a failed request keeps no
bound of an objective. Times of tokens are as :mod:`wattmark.endpoints.token_times` says. Means and
rates take ten blocks of requests in the order of their schedule as the units that vary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattmark.endpoints.outcomes import Failure, Load, Request
from wattmark.endpoints.token_times import NOT_STREAMED, tpot_ns
from wattmark.planning.prompts import Prompts
from wattmark.quantities import Quantity, Reason
from wattmark.records import (
    EndpointPlan,
    EndpointResult,
    Energy,
    EnergyWindow,
    FailureCount,
    Latency,
)
from wattmark.records.reading import whole_energy
from wattmark.records.slo import parse_slo
from wattmark.results.objectives import goodput, shares
from wattmark.results.phase_results import latency
from wattmark.results.token_results import (
    most_said,
    no_times,
    time_between_tokens,
    token_counts,
    tokens_per_query,
    tokens_per_second,
)
from wattmark.statistics import pooled_rate, resampled_metric

BLOCKS = 10
#: A generator is called saturated when its thread computed for more than this share of the time,
SATURATED_BUSY = 0.9
#: or issued later than this share of the median latency (p99), but at least this late.
SATURATED_LATENESS = 0.1
SATURATED_LATENESS_MS = 1.0


def endpoint_result(
    plan: EndpointPlan,
    prompts: Prompts,
    load: Load,
    windows: Sequence[EnergyWindow],
    flags: Sequence[str],
) -> EndpointResult:
    """The figures of one load. ``windows`` are of meters that cover the server."""
    requests = sorted(load.requests, key=lambda request: request.index)
    valid = [request for request in requests if request.failure is None]
    blocks = [b.tolist() for b in np.array_split(np.arange(len(valid)), BLOCKS) if b.size]
    latencies = _times([r.latency_ns for r in valid], blocks, Reason.NOT_MEASURED)
    lateness_ms = np.array([r.lateness_ns for r in requests]) / 1e6
    lateness_p99_ms = float(np.percentile(lateness_ms, 99)) if requests else 0.0
    busy = load.cpu_ns / load.duration_ns if load.duration_ns else 0.0
    metric, quality = _quality(plan, prompts, load)
    slo = parse_slo(plan.slo) if plan.slo else None
    per_block_s = _block_seconds(valid, blocks)
    counted = [r for r in valid if r.tokens_out is not None]
    tokens_in, tokens_out = [r.tokens_in for r in valid], [r.tokens_out for r in valid]
    energy = tuple(_energy(window, len(requests)) for window in windows)
    all_flags = [
        *(["failed_queries"] if any(_failed(r) for r in requests) else []),
        *(["generator_saturated"] if _saturated(busy, lateness_p99_ms, latencies) else []),
        *([load.stopped] if load.stopped else []),
        *sorted({flag.value for window in windows for flag in window.flags}),
        *flags,
    ]
    return EndpointResult(
        arrivals=load.name,
        planned=load.planned,
        requests=len(requests),
        valid=len(valid),
        failures=_failures(requests),
        duration_s=load.duration_ns / 1e9,
        connections=load.connections,
        stopped=load.stopped,
        latency=latencies,
        time_to_first_token=_times(
            [NOT_STREAMED if r.ttft_ns is None else r.ttft_ns for r in valid],
            blocks,
            _no_stream(plan),
        ),
        time_per_output_token=_times([tpot_ns(r) for r in valid], blocks, _no_stream(plan)),
        time_between_tokens=time_between_tokens(valid, blocks, _no_stream(plan)),
        throughput=pooled_rate([len(b) for b in blocks], per_block_s, "query/s"),
        tokens_per_second=tokens_per_second(valid, blocks, per_block_s),
        tokens_in_per_query=tokens_per_query(valid, tokens_in),
        tokens_out_per_query=tokens_per_query(valid, tokens_out),
        tokens_in=token_counts(valid, tokens_in),
        tokens_out=token_counts(valid, tokens_out),
        left_out=load.left_out or None,
        token_sources=tuple(sorted({r.token_source for r in counted if r.token_source})),
        goodput=goodput(slo, valid, blocks, per_block_s),
        slo=shares(slo, [r for r in requests if r.failure is not Failure.CUT_OFF]),
        energy=energy,
        energy_per_query=_whole(energy),
        quality_metric=metric,
        quality=quality,
        lateness_p99_ms=lateness_p99_ms,
        generator_busy=busy,
        generator_cpu_per_query=Quantity.exact(load.cpu_ns / 1e6 / len(requests), "ms/query")
        if requests
        else Quantity.missing("ms/query", Reason.NOT_MEASURED),
        flags=tuple(all_flags),
    )


def _failed(request: Request) -> bool:
    """Whether the server failed: a request that Ctrl-C cut off is nobody's failure."""
    return request.failure not in (None, Failure.CUT_OFF)


def _no_stream(plan: EndpointPlan) -> Reason:
    streams = plan.stream and plan.api in ("openai", "openai-completions")
    return Reason.NOT_MEASURED if streams else Reason.NOT_SUPPORTED


def _times(
    found_ns: Sequence[float | str], blocks: Sequence[list[int]], missing: Reason
) -> Latency:
    """Percentiles in ms of those that have a time; missing where none has, for what most say."""
    if all(isinstance(ns, str) for ns in found_ns):
        return no_times(missing, most_said([why for why in found_ns if isinstance(why, str)]))
    groups: list[NDArray[np.float64]] = []
    for block in blocks:
        times = [ns for at in block if not isinstance(ns := found_ns[at], str)]
        if times:
            groups.append(np.array(times) / 1e6)
    return latency(groups)


def _block_seconds(valid: Sequence[Request], blocks: Sequence[list[int]]) -> list[float]:
    """How long each block lasted: from the last end of the blocks before to its own last end."""
    seconds, before_ns = [], 0
    for block in blocks:
        end_ns = max(valid[at].end_ns for at in block)
        seconds.append(max(end_ns - before_ns, 1) / 1e9)
        before_ns = max(before_ns, end_ns)
    return seconds


def _failures(requests: Sequence[Request]) -> tuple[FailureCount, ...]:
    kinds = Counter(r.failure for r in requests if r.failure is not None)
    first: dict[Failure, str] = {}
    for request in requests:
        if request.failure is not None and request.sentence:
            first.setdefault(request.failure, request.sentence)
    return tuple(
        FailureCount(kind=kind, count=count, sentence=kind.sentence, example=first.get(kind, ""))
        for kind, count in kinds.most_common()
    )


def _saturated(busy: float, lateness_p99_ms: float, latencies: Latency) -> bool:
    median_ms = latencies.p50.value or 0.0
    allowed_ms = max(SATURATED_LATENESS_MS, SATURATED_LATENESS * median_ms)
    return busy > SATURATED_BUSY or lateness_p99_ms > allowed_ms


def _energy(window: EnergyWindow, requests: int) -> Energy:
    def each(total: Quantity) -> Quantity:
        return (total / Quantity.exact(requests, "query")).to("J/query")

    gross = each(window.gross)
    return Energy(
        meter=window.meter,
        domain=window.domain,
        per_query=gross,
        idle_subtracted_per_query=each(window.idle_subtracted),
        idle_allocated_per_query=each(window.idle_allocated),
        per_1000_queries=gross.to("Wh/kquery"),
        per_correct=Quantity.missing("J/correct", Reason.NOT_ASKED),
    )


def _whole(energy: Sequence[Energy]) -> Quantity:
    """All domains together (the node alone, where it was metered)."""
    found = whole_energy(energy)
    return Quantity.missing("J/query", Reason.NO_METER_ON_SERVER) if found is None else found


def _quality(plan: EndpointPlan, prompts: Prompts, load: Load) -> tuple[str | None, Quantity]:
    """The task's metric over the first valid reply to each of its examples."""
    task = prompts.task
    if task is None or plan.api not in ("openai", "openai-completions"):
        return None, Quantity.missing("1", Reason.NOT_ASKED, "the prompts have no labels")
    answers: dict[int, str] = {}
    for index in sorted(load.texts):
        answers.setdefault(index % len(prompts.asked), task.predict(load.texts[index]))
    scored = [n for n in sorted(answers) if prompts.labels[n] is not None]
    predictions = [answers[n] for n in scored]
    labels = [prompts.labels[n] for n in scored]

    def metric(indices: NDArray[np.intp]) -> float:
        return task.quality([predictions[i] for i in indices], [labels[i] for i in indices])

    return task.metric, resampled_metric(metric, len(scored), seed=plan.seed)
