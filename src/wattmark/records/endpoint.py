"""What is asked of a server over HTTP, and what came of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from wattmark.quantities import Quantity
from wattmark.records.base import LEFT_OUT_IF_NONE, SCHEMA_VERSION, Record
from wattmark.records.environment import Environment
from wattmark.records.measured import SampleFile
from wattmark.records.result import Energy, Latency


class EndpointPlan(Record):
    """A load for a server: whom to ask what, how requests arrive, and when it ends.

    Exactly one of ``rate_per_s`` (an open loop) and ``concurrency`` (a closed loop) is set.
    ``key_variable`` is the name of the environment variable with the key, never the key.
    """

    url: str
    api: Literal["openai", "openai-completions", "openai-embeddings", "oip-v2"]
    model: Annotated[str, Field(min_length=1, description="as the server names it")]
    rate_per_s: Annotated[float | None, Field(gt=0, le=1e6)] = None
    arrivals: Literal["poisson", "constant"] = "poisson"
    concurrency: Annotated[int | None, Field(ge=1, le=100_000)] = None
    requests: Annotated[int, Field(ge=1, le=10_000_000)] = 200
    warm_up: Annotated[int, Field(ge=1, description="requests before, which do not count")] = 4
    budget_s: Annotated[float | None, Field(gt=0, description="issue no more after it")] = None
    timeout_s: Annotated[float, Field(gt=0, description="a request is given up after it")] = 600.0
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    stream: bool = True
    prompts: Annotated[str, Field(description="a file, or `task:NAME`")] = ""
    samples: Annotated[int, Field(ge=1, description="different prompts of a task")] = 100
    tokenizer: Annotated[str | None, Field(description="counts where the server does not")] = None
    slo: Annotated[str | None, Field(description="such as ttft_p95<200ms")] = None
    meters: tuple[str, ...] = ()
    server_pid: Annotated[
        int | None,
        Field(ge=1, description="the server's process on this machine; else the one that listens"),
        LEFT_OUT_IF_NONE,
    ] = None
    whole_node: Annotated[
        bool | None,
        Field(description="charge every GPU of the machine, not only those that the server uses"),
        LEFT_OUT_IF_NONE,
    ] = None
    key_variable: str | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _one_loop(self) -> Self:
        if (self.rate_per_s is None) == (self.concurrency is None):
            raise ValueError("give either a rate (--qps) or a number of clients (--concurrency)")
        return self


class FailureCount(Record):
    """How often requests failed in one way, and what was said the first time."""

    kind: str
    count: int
    sentence: str
    example: str = ""


class SloShare(Record):
    """One bound of the objective: the share of all requests that keep it; failures do not.

    ``figure`` is the percentile that the bound speaks of, over all requests; it is within the
    limit exactly where the share is large enough. Missing where it falls among requests without
    the time.
    """

    bound: str
    share: Quantity
    kept: bool
    figure: Annotated[Quantity | None, LEFT_OUT_IF_NONE] = None


class TokenCounts(Record):
    """Percentiles of the tokens of requests, exact: the smallest count that so many do not exceed.

    ``p95`` of 100 requests is the 95th count in ascending order.
    """

    p50: Quantity
    p90: Quantity
    p95: Quantity
    p99: Quantity


class EndpointResult(Record):
    """What a load gave. Latencies count from the scheduled arrival, of valid replies only.

    ``lateness_p99_ms`` is how late the generator issued; ``generator_busy`` its thread's CPU time
    over the time of the load, and ``generator_cpu_per_query`` the same per request.
    ``time_between_tokens`` is over all gaps of all valid replies; ``left_out`` are options that the
    server refused, so that they were not asked.
    """

    arrivals: str
    planned: int
    requests: int
    valid: int
    failures: tuple[FailureCount, ...]
    duration_s: float
    connections: int
    stopped: str
    latency: Latency
    time_to_first_token: Latency
    time_per_output_token: Latency
    time_between_tokens: Annotated[Latency | None, LEFT_OUT_IF_NONE] = None
    throughput: Quantity
    tokens_per_second: Quantity
    tokens_in_per_query: Quantity
    tokens_out_per_query: Quantity
    tokens_in: Annotated[TokenCounts | None, LEFT_OUT_IF_NONE] = None
    tokens_out: Annotated[TokenCounts | None, LEFT_OUT_IF_NONE] = None
    left_out: Annotated[tuple[str, ...] | None, LEFT_OUT_IF_NONE] = None
    token_sources: tuple[str, ...]
    goodput: Quantity
    slo: tuple[SloShare, ...] = ()
    energy: tuple[Energy, ...] = ()
    energy_per_query: Quantity
    quality_metric: str | None = None
    quality: Quantity
    lateness_p99_ms: float
    generator_busy: float
    generator_cpu_per_query: Quantity
    flags: tuple[str, ...] = ()


class EndpointRun(Record):
    """One load put to one server, with the machine that the generator ran on.

    ``samples`` are the times of every request, relative to the run's folder.
    """

    schema_version: str = SCHEMA_VERSION
    id: str
    created_at: str
    plan: EndpointPlan
    prompts_digest: str
    environment: Environment
    samples: SampleFile
    result: EndpointResult
