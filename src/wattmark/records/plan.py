"""What is asked for: precision, setup, plan, trial."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from wattmark.records.base import LEFT_OUT_IF_NONE, Record
from wattmark.records.canonical import content_digest
from wattmark.records.loadgen import LoadgenSettings

#: How a precision and a device are written, so that labels can be told apart and be file names.
PRECISION_FORM = "[a-z][a-z0-9._-]{0,39}"
DEVICE_FORM = "[a-z]{2}[a-z0-9_-]{0,38}"


class Precision(StrEnum):
    """Number format of the weights and, for integers, how it was reached.

    The members are those that Wattmark's own frameworks have. Another framework's may have any
    other name of lower-case letters, digits and ``._-``: ``Precision("fp8-e4m3")`` is one. A plan
    that names one must have it from its framework.
    """

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    INT8_DYNAMIC = "int8-dynamic"
    INT8_STATIC = "int8-static"
    INT8_WEIGHT_ONLY = "int8-weight-only"
    INT4_WEIGHT_ONLY = "int4-weight-only"

    @classmethod
    def _missing_(cls, value: object) -> Precision | None:
        if not isinstance(value, str) or re.fullmatch(PRECISION_FORM, value) is None:
            return None
        found = str.__new__(cls, value)
        found._name_ = found._value_ = value
        return found  # not kept: what strangers send must not pile up here

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Any well-formed name; the members are examples."""
        named = handler.resolve_ref_schema(handler(schema))
        named["examples"] = named.pop("enum")
        named["pattern"] = f"^{PRECISION_FORM}$"
        return named

    @property
    def calibrated(self) -> bool:
        """Whether real inputs are needed to reach it: what ends in ``-static``."""
        return self.value.endswith("-static")

    @property
    def exact_weights(self) -> bool:
        """Whether outputs must equal the reference's numerically (FP32) rather than by quality."""
        return self is Precision.FP32


Option = tuple[str, str]

_OPTION = re.compile(r"[a-z][a-z0-9_-]*=[A-Za-z0-9._-]+")


class Setup(Record):
    """framework + mode + precision + device + threads + batch + options: what is compared.

    ``options`` are the model's own (``tokens=64``, ``sampler=ddim``), in alphabetical order.
    """

    framework: str
    mode: str
    precision: Precision = Precision.FP32
    device: Annotated[
        str,
        Field(pattern=f"^{DEVICE_FORM}$", description="what the framework has: cpu, cuda ..."),
    ] = "cpu"
    threads: Annotated[int, Field(ge=0, description="0 means all cores of the plan")] = 0
    batch: Annotated[int, Field(ge=1, le=4096, description="queries answered at once")] = 1
    max_wait_ms: Annotated[
        float | None,
        Field(ge=0, le=60_000, description="server: a query waits so long for a batch to fill"),
    ] = None
    options: Annotated[
        tuple[Option, ...], Field(description="of the model: [[name, value], ...]")
    ] = ()

    @field_validator("options")
    @classmethod
    def _sorted(cls, options: tuple[Option, ...]) -> tuple[Option, ...]:
        if bad := [f"{k}={v}" for k, v in options if not _OPTION.fullmatch(f"{k}={v}")]:
            raise ValueError(f"{', '.join(bad)} is not of the form name=value")
        if len({name for name, _ in options}) < len(options):
            raise ValueError("an option is given twice")
        return tuple(sorted(options))

    @property
    def label(self) -> str:
        """Short unique name, e.g. ``openvino/cpu/int8-static`` or ``jax/jit/fp32/b8/tokens=32``."""
        parts = [self.framework, self.mode, self.precision.value]
        parts += [self.device] if self.device != "cpu" else []
        parts += [f"t{self.threads}"] if self.threads else []
        parts += [f"b{self.batch}"] if self.batch > 1 else []
        parts += [f"w{self.max_wait_ms:g}"] if self.max_wait_ms is not None else []
        return "/".join([*parts, *(f"{name}={value}" for name, value in self.options)])

    def with_options(self, **options: str) -> Setup:
        """The same setup with these options added or replaced."""
        merged = {**dict(self.options), **options}
        return Setup.model_validate({**self.model_dump(), "options": tuple(merged.items())})


def parse_setup(value: Any) -> Any:
    """Allow ``framework/mode/precision[/device][/tN][/bN][/name=value ...]`` for a mapping.

    What is no text is returned as it is. Raises ValueError for another form.
    """
    if not isinstance(value, str):
        return value
    parts = value.split("/")
    if len(parts) < 3:
        raise ValueError(f"{value!r} is not of the form {SETUP_FORM}")
    setup: dict[str, Any] = dict(zip(("framework", "mode", "precision"), parts, strict=False))
    options: list[Option] = []
    for part in parts[3:]:
        name, equals, word = part.partition("=")
        if equals:
            options.append((name, word))
            continue
        if re.fullmatch(DEVICE_FORM, part) and part not in tuple(Precision):
            key, found = "device", part
        elif re.fullmatch(r"w[0-9]{1,5}(\.[0-9]{1,3})?", part):
            key, found = "max_wait_ms", part[1:]
        elif re.fullmatch(r"[tb][0-9]{1,6}", part):
            key, found = {"t": "threads", "b": "batch"}[part[0]], part[1:]
        else:
            raise ValueError(f"{part!r} in {value!r} is not understood: {SETUP_FORM}")
        if key in setup:
            raise ValueError(f"{value!r} gives the {key} twice")
        setup[key] = found
    return {**setup, "options": options}


SETUP_FORM = "framework/mode/precision[/DEVICE][/tTHREADS][/bBATCH][/wWAIT_MS][/name=value ...]"
SetupField = Annotated[Setup, BeforeValidator(parse_setup)]


#: Tests of LoadGen a setup: enough for a ratio with an interval.
LOADGEN_TESTS = 3


class Plan(Record):
    """What to run. Field descriptions are what ``wattmark plan schema`` prints."""

    name: Annotated[
        str,
        Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60, description="part of run ids"),
    ]
    task: Annotated[str, Field(description="see `wattmark list tasks`")]
    model: Annotated[str, Field(description="see `wattmark list models`")]
    data: Annotated[
        tuple[str, ...],
        Field(
            description="public data sets (`wattmark list data`), NAME or NAME=folder:PATH; "
            "empty: the packaged data"
        ),
    ] = ()
    cost_only: Annotated[bool, Field(description="no quality: for data without labels")] = False
    setups: Annotated[
        tuple[SetupField, ...], Field(min_length=1, description="what is compared with what")
    ]
    baseline: Annotated[SetupField | None, Field(description="default: the first setup")] = None
    scenario: Annotated[str, Field(description="how queries arrive")] = "single-stream"
    mlperf: Annotated[
        LoadgenSettings | None,
        BeforeValidator(lambda value: {"strict": True} if value == "strict" else value),
        Field(description="MLPerf's LoadGen drives: `strict`, or its settings"),
    ] = None
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
        float,
        Field(
            gt=0,
            description="time for measuring, from the first round; three rounds are always run",
        ),
    ] = 240.0
    complete_pass: Annotated[
        bool, Field(description="ask every query at least once before stopping early")
    ] = True
    cpus: Annotated[tuple[int, ...], Field(description="cores to pin to; empty: all")] = ()
    meters: Annotated[tuple[str, ...], Field(description="empty: the best there is")] = ()
    whole_node: Annotated[
        bool | None,
        Field(description="charge every GPU of the machine, not only those that a setup uses"),
        LEFT_OUT_IF_NONE,
    ] = None
    quality_gate: Annotated[float, Field(ge=0, le=1, description="share of the reference")] = 0.99
    contention_limit: Annotated[
        float, Field(gt=0, description="others' CPU time / own, above which a round is repeated")
    ] = 0.10
    contention_repeats: Annotated[
        int, Field(ge=0, le=20, description="so often a contended round is repeated, then flagged")
    ] = 2
    hang_timeout_s: Annotated[
        float, Field(gt=0, description="a worker that is silent for so long is stopped")
    ] = 300.0

    @model_validator(mode="before")
    @classmethod
    def _few_long_tests(cls, data: Any) -> Any:
        """LoadGen's tests are long: a few, in one process, unless something else is said."""
        if isinstance(data, dict) and (
            data.get("mlperf") or data.get("scenario", "single-stream") != "single-stream"
        ):
            return {"rounds": LOADGEN_TESTS, "executions": 1, **data}
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        labels = [s.label for s in self.setups]
        if repeated := sorted({x for x in labels if labels.count(x) > 1}):
            raise ValueError(f"setups listed twice: {', '.join(repeated)}")
        if self.baseline is not None and self.baseline.label not in labels:
            raise ValueError(f"the baseline {self.baseline.label} is not among the setups")
        alone = [s.label for s in self.setups if s.max_wait_ms is not None]
        if alone and self.scenario != "server":
            raise ValueError(f"a wait for company needs the scenario server: {', '.join(alone)}")
        if small := [s.label for s in self.setups if s.max_wait_ms is not None and s.batch < 2]:
            raise ValueError(f"a wait for company needs a batch: {', '.join(small)}")
        if self.executions > self.rounds:
            raise ValueError("executions must not exceed rounds")
        return self

    @property
    def loadgen(self) -> LoadgenSettings | None:
        """How LoadGen drives; None for our own loop, which knows one scenario only."""
        if self.mlperf is None and self.scenario != "single-stream":
            return LoadgenSettings()
        return self.mlperf

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

    def with_options(self, **options: str) -> Plan:
        """The same plan with these options in every setup."""
        baseline = self.baseline and self.baseline.with_options(**options)
        setups = tuple(setup.with_options(**options) for setup in self.setups)
        return Plan.model_validate({**dict(self), "setups": setups, "baseline": baseline})

    @property
    def digest(self) -> str:
        """By which the plan is known again: see `content_digest`."""
        newer = {"whole_node"} if self.whole_node is None else None
        return content_digest(self.model_dump(mode="json", exclude=newer))


class Suite(Record):
    """Several plans that are run one after another."""

    name: str
    plans: Annotated[tuple[Plan, ...], Field(min_length=1)]


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
