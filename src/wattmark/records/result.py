"""What came of it: results with their intervals, ratings, and the run that holds them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from wattmark.quantities import Quantity, Reason
from wattmark.records.base import LEFT_OUT_IF_NONE, SCHEMA_VERSION, Record
from wattmark.records.environment import Environment
from wattmark.records.loadgen import LoadgenTest
from wattmark.records.measured import (
    ComparableEnergy,
    ExecutionRecord,
    Failure,
    Preparation,
    SampleFile,
)
from wattmark.records.plan import Plan, Trial


class Quality(Record):
    """Task quality, and where it stands to the reference setup.

    It is over ``queries`` answers, of which the same artefact gave ``reused`` in earlier runs.
    ``judged_by`` names the metric in ``also`` that ``of_reference`` and the gate compare, where it
    is not ``metric``.
    """

    metric: str
    value: Quantity
    of_reference: Quantity
    gate_passed: bool | None
    also: dict[str, Quantity] = {}
    queries: int | None = None
    reused: int = 0
    judged_by: Annotated[str | None, LEFT_OUT_IF_NONE] = None


class Latency(Record):
    """Latency percentiles in ms, intervals by order statistics."""

    p50: Quantity
    p90: Quantity
    p95: Annotated[Quantity | None, LEFT_OUT_IF_NONE] = None
    p99: Quantity
    mean: Quantity


class Energy(Record):
    """Energy of one domain, three ways; ``per_query`` is gross, per attempted query.

    ``comparable`` is that again, for comparisons with results of the same scale on this machine.
    """

    meter: str
    domain: str
    per_query: Quantity
    idle_subtracted_per_query: Quantity
    idle_allocated_per_query: Quantity = Quantity.missing("J/query", Reason.IDLE_NOT_MEASURED)
    per_1000_queries: Quantity
    per_correct: Quantity
    comparable: Annotated[ComparableEnergy | None, LEFT_OUT_IF_NONE] = None


class RequestEnergy(Record):
    """What single requests bore of the gross energy, all domains together.

    A window's energy goes to its calls ``by duration`` and a call's to its requests by ``rule``;
    the shares of a round add up to what was metered of it exactly.
    """

    rule: Literal["equal", "tokens"]
    batches: str
    p50: Quantity
    p90: Quantity
    p99: Quantity


class LatencyBound(Record):
    """Whether at least ``percentile`` of a server's queries are within ``limit_ms``.

    ``goodput`` counts the queries that are. ``verdict`` is honest at every look, whatever LoadGen's
    says of each test; ``more_queries``, all of them within the limit, would pass (None: hopeless).
    """

    limit_ms: float
    percentile: float
    share: Quantity
    goodput: Quantity
    verdict: Literal["pass", "fail", "undecided"]
    more_queries: int | None


class PhaseResult(Record):
    """A part of the queries (prefill, decode): what it took per query and per unit of work.

    ``latency`` is the time that a query spent in it. ``time_per_unit`` is what a query waits for a
    unit (of decode: the time per output token) and ``units_per_second`` what the setup turns out:
    in a batch many wait at once.
    """

    phase: str
    unit: str
    units_per_query: Quantity
    latency: Latency
    time_per_unit: Quantity
    units_per_second: Quantity
    energy: tuple[PhaseEnergyResult, ...] = ()


class PhaseEnergyResult(Record):
    """Gross energy of one domain in a phase."""

    meter: str
    domain: str
    per_query: Quantity
    per_unit: Quantity


class ProcessSpread(Record):
    """How the spread between processes in a ratio's interval is known.

    From this ``run`` (all its setups, with so many ``degrees`` of freedom), from the ``history`` of
    both frameworks on this machine, or from the ``prior`` alone (0 degrees). ``sd`` is the standard
    deviation between single processes, setup and baseline together, as a share of the ratio;
    ``executions`` are those of the setup.
    """

    source: Literal["run", "history", "prior"]
    degrees: float
    sd: float
    executions: int


class ProcessSpreads(Record):
    """Of each ratio, how the spread between processes is known; None where there is no ratio."""

    latency: ProcessSpread | None = None
    cpu_time: ProcessSpread | None = None
    energy: ProcessSpread | None = None


class Ratios(Record):
    """This setup over the baseline, from paired rounds. Below 1 is better than the baseline."""

    latency: Quantity
    cpu_time: Quantity
    energy: Quantity
    processes: Annotated[ProcessSpreads | None, LEFT_OUT_IF_NONE] = None


class Result(Record):
    """What a trial gave."""

    trial: Trial
    status: Literal["ok", "failed"]
    failure: Failure | None = None
    queries: int = 0
    failed_queries: int = 0
    quality: Quality | None = None
    latency: Latency | None = None
    throughput: Quantity | None = None
    cpu_time_per_query: Quantity | None = None
    flops_per_query: Quantity | None = None
    energy: tuple[Energy, ...] = ()
    request_energy: RequestEnergy | None = None
    phases: tuple[PhaseResult, ...] = ()
    time_to_first_token: Latency | None = None
    ratios: Ratios | None = None
    energy_relative: Quantity | None = Field(
        default=None,
        description="energy per query over the baseline's, as used for ratings: shared scale out",
    )
    preparation: Preparation | None = None
    executions: tuple[ExecutionRecord, ...] = ()
    rounds: int = 0
    contended_rounds: Annotated[int | None, LEFT_OUT_IF_NONE] = None
    loadgen: tuple[LoadgenTest, ...] = ()
    latency_bound: LatencyBound | None = None
    instruments_share: Quantity | None = Field(
        default=None, description="time of the instruments over that of the rounds"
    )
    flags: tuple[str, ...] = ()
    samples: tuple[SampleFile, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.status == "failed") != (self.failure is not None):
            raise ValueError("a failed result carries its failure, and only a failed one does")
        return self

    @property
    def id(self) -> str:
        """The trial's id."""
        return self.trial.id


class Rating(Record):
    """Stars of one result in one population, by one rule."""

    trial: str
    rule: str
    rule_version: int = 1
    stars: int | None
    probabilities: dict[int, float] = {}
    boundary_distance_pct: float | None = None
    unrated_reason: str | None = None


class ModelInfo(Record):
    """Identity of the model of a run."""

    name: str
    digest: str
    licence: str
    parameters: int | None = None
    trained: bool = True
    sources: tuple[str, ...] = ()
    description: str = ""


class TaskInfo(Record):
    """Identity of the task of a run."""

    name: str
    unit: str
    metric: str
    samples: int
    data_digest: str
    licence: str
    sources: tuple[str, ...] = ()
    description: str = ""


class StopReason(StrEnum):
    """Why measuring ended."""

    NARROW = "narrow_enough"
    PROCESSES = "more_processes_needed"
    ALL_TESTS = "all_tests_run"
    BUDGET = "budget_ended"
    INTERRUPTED = "interrupted"
    NOTHING_LEFT = "all_trials_failed"


class Run(Record):
    """A finished (or interrupted) run with everything that can be said of it."""

    schema_version: str = SCHEMA_VERSION
    id: str
    created_at: str
    plan: Plan
    model: ModelInfo
    task: TaskInfo
    environment: Environment
    results: tuple[Result, ...]
    ratings: tuple[Rating, ...] = ()
    stop_reason: StopReason
    measured_s: float
    prepared_s: float
    preprocess: Quantity | None = Field(
        default=None, description="time to encode a query, outside the window, once for all setups"
    )

    def result(self, trial: str) -> Result:
        """The result of the trial with this id. Raises KeyError."""
        for result in self.results:
            if result.id == trial:
                return result
        raise KeyError(trial)
