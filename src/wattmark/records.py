"""The records that flow through Wattmark: plan, trial, environment, round, result, run.

All are immutable. ``SCHEMA_VERSION`` is written into every run; its history:

* ``1``: first version.

A reader refuses a version that it does not know. The JSON Schemas in ``schema/`` are generated
from these classes by ``wattmark plan schema`` and checked by a test.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from wattmark.quantities import Quantity

SCHEMA_VERSION = "1"


class Record(BaseModel):
    """Base of all records: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def canonical_digest(data: Any) -> str:
    """sha256 of the canonical JSON of ``data`` (sorted keys, no spaces)."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Precision(StrEnum):
    """Number format of the weights and, for integers, how it was reached."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    INT8_DYNAMIC = "int8-dynamic"
    INT8_STATIC = "int8-static"
    INT8_WEIGHT_ONLY = "int8-weight-only"
    INT4_WEIGHT_ONLY = "int4-weight-only"

    @property
    def exact_weights(self) -> bool:
        """Whether outputs must equal the reference's numerically (FP32) rather than by quality."""
        return self is Precision.FP32


class Setup(Record):
    """framework + mode + precision + device + threads: what is compared with what."""

    framework: str
    mode: str
    precision: Precision = Precision.FP32
    device: Literal["cpu"] = "cpu"
    threads: Annotated[int, Field(ge=0, description="0 means all cores of the plan")] = 0

    @property
    def label(self) -> str:
        """Short unique name, e.g. ``openvino/cpu/int8-static``."""
        base = f"{self.framework}/{self.mode}/{self.precision.value}"
        return f"{base}/t{self.threads}" if self.threads else base


def parse_setup(value: Any) -> Any:
    """Allow ``framework/mode/precision[/tN]`` in place of a mapping."""
    if not isinstance(value, str):
        return value
    parts = value.split("/")
    threads = 0
    if len(parts) == 4 and parts[3][:1] == "t" and parts[3][1:].isdigit():
        threads = int(parts.pop()[1:])
    if len(parts) != 3:
        raise ValueError(f"{value!r} is not of the form framework/mode/precision[/tN]")
    return {"framework": parts[0], "mode": parts[1], "precision": parts[2], "threads": threads}


SetupField = Annotated[Setup, BeforeValidator(parse_setup)]


class Plan(Record):
    """What to run. Field descriptions are what ``wattmark plan schema`` prints."""

    name: Annotated[
        str,
        Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60, description="part of run ids"),
    ]
    task: Annotated[str, Field(description="see `wattmark list tasks`")]
    model: Annotated[str, Field(description="see `wattmark list models`")]
    setups: Annotated[
        tuple[SetupField, ...], Field(min_length=1, description="what is compared with what")
    ]
    baseline: Annotated[SetupField | None, Field(description="default: the first setup")] = None
    scenario: Annotated[str, Field(description="how queries arrive")] = "single-stream"
    samples: Annotated[int, Field(ge=1, le=100_000, description="examples of the task")] = 1000
    seed: Annotated[int, Field(description="of the sample and of the order of turns")] = 0
    rounds: Annotated[
        int, Field(ge=2, le=1000, description="one pass over the sample is cut into this many")
    ] = 10
    executions: Annotated[int, Field(ge=1, le=20, description="fresh processes a setup")] = 2
    ratio_width: Annotated[
        float, Field(gt=0, lt=1, description="wanted half-width of the ratio's interval")
    ] = 0.05
    budget_s: Annotated[
        float, Field(gt=0, description="time for measuring; three rounds are always run")
    ] = 240.0
    complete_pass: Annotated[
        bool, Field(description="ask every query at least once before stopping early")
    ] = True
    cpus: Annotated[tuple[int, ...], Field(description="cores to pin to; empty: all")] = ()
    meters: Annotated[tuple[str, ...], Field(description="empty: the best there is")] = ()
    quality_gate: Annotated[float, Field(ge=0, le=1, description="share of the reference")] = 0.99
    contention_limit: Annotated[
        float, Field(gt=0, description="run-queue wait / CPU time above which a round is repeated")
    ] = 0.10
    hang_timeout_s: Annotated[
        float, Field(gt=0, description="a worker that is silent for so long is stopped")
    ] = 300.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        labels = [s.label for s in self.setups]
        if repeated := sorted({x for x in labels if labels.count(x) > 1}):
            raise ValueError(f"setups listed twice: {', '.join(repeated)}")
        if self.baseline is not None and self.baseline.label not in labels:
            raise ValueError(f"the baseline {self.baseline.label} is not among the setups")
        if self.executions > self.rounds:
            raise ValueError("executions must not exceed rounds")
        return self

    @property
    def baseline_label(self) -> str:
        """Label of the setup that ratios refer to."""
        return (self.baseline or self.setups[0]).label

    def fast(self) -> Plan:
        """The same comparison in less time: one execution, wider intervals, an early stop."""
        return self.model_copy(
            update={
                "executions": 1,
                "ratio_width": max(self.ratio_width, 0.10),
                "complete_pass": False,
                "budget_s": min(self.budget_s, 90.0),
            }
        )

    @property
    def digest(self) -> str:
        """sha256 over the canonical JSON of the plan."""
        return canonical_digest(self.model_dump(mode="json"))


class Trial(Record):
    """task x model x setup x scenario: the unit that is run."""

    task: str
    model: str
    model_digest: str
    setup: Setup
    scenario: str

    @property
    def id(self) -> str:
        """The setup's label: unique within a run, since a run has one task and one model."""
        return self.setup.label


class Environment(Record):
    """The machine and its software. ``None`` means that it could not be read."""

    hostname: str
    os: str
    kernel: str
    architecture: str
    cpu_model: str
    cpu_flags: tuple[str, ...]
    cpu_count: int
    cpus_allowed: tuple[int, ...]
    memory_bytes: int | None
    governor: str | None
    turbo: bool | None
    virtualization: str | None
    container: str | None
    python: str
    wattmark: str
    packages: dict[str, str]
    variables: dict[str, str] = {}
    load_average_1min: float | None
    gpus: tuple[str, ...] = ()


#: Two runs may be compared only where these fields agree (see `protocol.environment`).
COMPARABLE_FIELDS = ("architecture", "cpu_model", "cpu_flags", "cpu_count", "cpus_allowed",
                     "governor", "turbo", "virtualization", "gpus")  # fmt: skip


class MeterReading(Record):
    """One raw reading: cumulative joules (or CPU seconds for a modelled meter) by domain."""

    time_ns: int
    values: dict[str, float]


class EnergyWindow(Record):
    """What one meter said of one window, per domain. ``idle_subtracted`` may be missing."""

    meter: str
    domain: str
    gross: Quantity
    idle_subtracted: Quantity
    before: MeterReading
    after: MeterReading


class SampleFile(Record):
    """Raw per-query samples of one round: a Parquet file relative to the run's folder."""

    path: str
    sha256: str
    queries: int


class Round(Record):
    """One turn of one worker: a block of queries between two meter readings."""

    trial: str
    execution: int
    index: int
    attempt: int = 0
    queries: int
    failed_queries: int = 0
    start_ns: int
    wall_s: float
    cpu_s: float
    run_queue_wait_s: float | None
    steal_s: float | None
    energy: tuple[EnergyWindow, ...]
    correct: float
    latency_ms_median: float
    samples: SampleFile
    contended: bool = False
    superseded: bool = False


class Failure(Record):
    """Why a trial gave no result."""

    stage: Literal["prepare", "load", "check", "warm-up", "round"]
    reason: str
    message: str
    last_output: str = ""


class ConversionCheck(Record):
    """Comparison of a setup's outputs with the reference framework's, on real inputs."""

    inputs: int
    max_abs_difference: float
    max_rel_difference: float
    tolerance: float | None
    agreement: float
    passed: bool


class Preparation(Record):
    """Export, conversion and compilation of one trial's artefact."""

    trial: str
    artefact: str
    seconds: float
    cached: bool
    bytes: int


class ExecutionRecord(Record):
    """One life of a worker process."""

    trial: str
    execution: int
    load_s: float
    warm_up_queries: int
    warm_up_s: float
    steady: bool
    peak_rss_bytes: int
    check: ConversionCheck


class Quality(Record):
    """Task quality, and where it stands to the reference setup."""

    metric: str
    value: Quantity
    of_reference: Quantity
    gate_passed: bool | None


class Latency(Record):
    """Latency percentiles in ms, intervals by order statistics."""

    p50: Quantity
    p90: Quantity
    p99: Quantity
    mean: Quantity


class Energy(Record):
    """Energy of one domain, three ways; ``per_query`` is gross, per attempted query."""

    meter: str
    domain: str
    per_query: Quantity
    idle_subtracted_per_query: Quantity
    per_1000_queries: Quantity
    per_correct: Quantity


class Ratios(Record):
    """This setup over the baseline, from paired rounds. Below 1 is better than the baseline."""

    latency: Quantity
    cpu_time: Quantity
    energy: Quantity


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
    ratios: Ratios | None = None
    energy_relative: Quantity | None = Field(
        default=None,
        description="energy per query over the baseline's, as used for ratings: shared scale out",
    )
    preparation: Preparation | None = None
    executions: tuple[ExecutionRecord, ...] = ()
    rounds: int = 0
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

    def result(self, trial: str) -> Result:
        """The result of the trial with this id. Raises KeyError."""
        for result in self.results:
            if result.id == trial:
                return result
        raise KeyError(trial)
