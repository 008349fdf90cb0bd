"""The records that flow through Wattmark: plan, trial, environment, round, result, run.

All are immutable. ``SCHEMA_VERSION`` is written into every run; its history stands in
:mod:`wattmark.records.base`. A reader refuses a version that it does not know. The JSON Schemas in
``schema/`` are generated from these classes by ``make docs`` and checked by a test.
"""

from __future__ import annotations

from wattmark.records.base import (
    READABLE_VERSIONS,
    SCHEMA_VERSION,
    Record,
    problems_text,
)
from wattmark.records.canonical import content_digest
from wattmark.records.documents import Bundle, bundle_from, bundle_of, hashed_document
from wattmark.records.endpoint import (
    EndpointPlan,
    EndpointResult,
    EndpointRun,
    FailureCount,
    SloShare,
    TokenCounts,
)
from wattmark.records.environment import (
    COMPARABLE_FIELDS,
    Environment,
)
from wattmark.records.idle import IdlePower, IdleRecord
from wattmark.records.loadgen import LoadgenSettings, LoadgenTest, LogFile
from wattmark.records.measured import (
    ComparableEnergy,
    ConversionCheck,
    EnergyWindow,
    ExecutionRecord,
    Failure,
    MeterReading,
    PhaseEnergy,
    PhaseWindow,
    Preparation,
    Round,
    SampleFile,
)
from wattmark.records.plan import (
    LOADGEN_TESTS,
    Plan,
    Precision,
    Setup,
    SetupField,
    Suite,
    Trial,
    parse_setup,
)
from wattmark.records.result import (
    Energy,
    Latency,
    LatencyBound,
    ModelInfo,
    PhaseEnergyResult,
    PhaseResult,
    ProcessSpread,
    ProcessSpreads,
    Quality,
    Rating,
    Ratios,
    RequestEnergy,
    Result,
    Run,
    StopReason,
    TaskInfo,
)

__all__ = [
    "COMPARABLE_FIELDS",
    "LOADGEN_TESTS",
    "READABLE_VERSIONS",
    "SCHEMA_VERSION",
    "Bundle",
    "ComparableEnergy",
    "ConversionCheck",
    "EndpointPlan",
    "EndpointResult",
    "EndpointRun",
    "Energy",
    "EnergyWindow",
    "Environment",
    "ExecutionRecord",
    "Failure",
    "FailureCount",
    "IdlePower",
    "IdleRecord",
    "Latency",
    "LatencyBound",
    "LoadgenSettings",
    "LoadgenTest",
    "LogFile",
    "MeterReading",
    "ModelInfo",
    "PhaseEnergy",
    "PhaseEnergyResult",
    "PhaseResult",
    "PhaseWindow",
    "Plan",
    "Precision",
    "Preparation",
    "ProcessSpread",
    "ProcessSpreads",
    "Quality",
    "Rating",
    "Ratios",
    "Record",
    "RequestEnergy",
    "Result",
    "Round",
    "Run",
    "SampleFile",
    "Setup",
    "SetupField",
    "SloShare",
    "StopReason",
    "Suite",
    "TaskInfo",
    "TokenCounts",
    "Trial",
    "bundle_from",
    "bundle_of",
    "content_digest",
    "hashed_document",
    "parse_setup",
    "problems_text",
]
