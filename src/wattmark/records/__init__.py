"""The records that flow through Wattmark: plan, trial, environment, round, result, run.

All are immutable. ``SCHEMA_VERSION`` is written into every run; its history:

* ``1``: first version.
* ``2``: setups have a device, a batch and options; phases of a query; further metrics; the time
  of preprocessing. A run of version 1 is read as one of version 2: all that is new has a default.
* ``3``: energy allocated at idle, flags and power samples of windows, power at idle; two reason
  codes have other names. Runs of versions 1 and 2 are read: all that is new has a default.

* ``4``: energies that share a scale have an interval for comparisons. Older runs are read as such
  whose energies share none.

A reader refuses a version that it does not know. The JSON Schemas in ``schema/`` are generated
from these classes by ``make docs`` and checked by a test.
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
    "Trial",
    "bundle_from",
    "bundle_of",
    "content_digest",
    "hashed_document",
    "parse_setup",
    "problems_text",
]
