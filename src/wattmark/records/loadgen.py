"""What is asked of MLPerf's LoadGen, and what it said."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from wattmark.records.base import Record


class LoadgenSettings(Record):
    """How LoadGen drives a setup. ``strict`` takes MLPerf's own durations and counts instead."""

    strict: Annotated[bool, Field(description="MLPerf's minimum durations and query counts")] = (
        False
    )
    mode: Annotated[
        Literal["performance", "accuracy"],
        Field(description="accuracy asks every query of the sample once, without a verdict"),
    ] = "performance"
    min_duration_s: Annotated[float, Field(gt=0, le=86_400, description="of each test")] = 5.0
    min_queries: Annotated[int, Field(ge=1, description="of each test")] = 100
    target_qps: Annotated[
        float | None, Field(gt=0, description="server: the rate at which queries arrive")
    ] = None
    target_latency_ms: Annotated[
        float | None, Field(gt=0, description="server: what 99 % of the latencies must be under")
    ] = None
    samples_per_query: Annotated[int, Field(ge=1, le=1024, description="multi-stream")] = 8


class LogFile(Record):
    """One of LoadGen's own logs, relative to the run's folder."""

    path: str
    sha256: str


class LoadgenTest(Record):
    """One test, under LoadGen's names.

    ``batch_sizes`` counts the calls by how many samples they answered. ``figures`` are the numbers
    of its detail log (``result_*`` and ``early_stopping_*``), as they stand there. ``valid`` is its
    verdict, None in accuracy mode; ``invalid_because`` its reasons. ``not_compliant`` says what
    MLPerf's rules would want besides; empty where nothing is lacking. ``lateness_p99_ms`` is how
    late queries were issued after their scheduled arrival (server); ``generator_saturated`` says
    that this is more than a tenth of the bound of latency.
    """

    scenario: str
    mode: Literal["performance", "accuracy"]
    version: str
    duration_s: float
    samples: int
    batch_sizes: dict[int, int] = {}
    valid: bool | None
    invalid_because: tuple[str, ...] = ()
    early_stopping: str = ""
    figures: dict[str, float] = {}
    not_compliant: tuple[str, ...] = ()
    lateness_p99_ms: float | None = None
    generator_saturated: bool = False
    logs: tuple[LogFile, ...] = ()
