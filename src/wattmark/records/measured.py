"""What was measured, as it happens: readings, windows, rounds, executions, failures."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from wattmark.quantities import Quantity, Reason
from wattmark.records.base import LEFT_OUT_IF_NONE, Record
from wattmark.records.loadgen import LoadgenTest


class MeterReading(Record):
    """One raw reading: cumulative joules (or CPU seconds for a modelled meter) by domain."""

    time_ns: int
    values: dict[str, float]


class ComparableEnergy(Record):
    """Gross energy with the interval that counts among energies of the same ``scale``.

    A model may be off by a factor that is the same for all that it reckons on one machine. That is
    held fixed here; ``scale`` names the model's parameters. ``idle_effect`` is the part of the
    interval that the machine's idle share makes, which is one for all of the scale too: the
    standard deviation of the energy's logarithm, below 0 where the energy falls with the share
    (None: not told apart). :mod:`wattmark.records.common_parts` has the model.
    """

    scale: str
    energy: Quantity
    idle_effect: Annotated[float | None, LEFT_OUT_IF_NONE] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.energy.known:
            raise ValueError("an energy that is missing shares no scale")
        return self


class EnergyWindow(Record):
    """What one meter said of one window, per domain, in J.

    ``gross`` is all that the domain used, ``idle_subtracted`` what the work added to it,
    ``idle_allocated`` that plus the work's share of the domain's idle energy; the latter two may
    be missing. ``flags`` say what the interval had to be widened for. ``power`` holds the raw
    samples (time_ns, W) of a meter that gives watts. ``comparable`` is set where windows share a
    scale.
    """

    meter: str
    domain: str
    gross: Quantity
    idle_subtracted: Quantity
    idle_allocated: Quantity = Quantity.missing("J", Reason.IDLE_NOT_MEASURED)
    before: MeterReading
    after: MeterReading
    flags: tuple[Reason, ...] = ()
    power: tuple[tuple[int, float], ...] = ()
    comparable: ComparableEnergy | None = None


class PhaseEnergy(Record):
    """What one meter said of one domain over all parts of a round that belong to a phase."""

    meter: str
    domain: str
    gross: Quantity


class PhaseWindow(Record):
    """A phase of the queries of one round (prefill, decode): its time, units and energy.

    Read by marks within the run, never as a difference of two separately measured totals.
    ``energy`` is empty where a query has one phase only: then the round's energy is the phase's.
    """

    phase: str
    unit: str
    seconds: float
    units: int
    energy: tuple[PhaseEnergy, ...] = ()


class SampleFile(Record):
    """Raw per-query samples of one round: a Parquet file relative to the run's folder."""

    path: str
    sha256: str
    queries: int


class Round(Record):
    """One turn of one worker: a block of queries between two meter readings.

    ``instruments_s`` is what the instruments took within the energy's window: the time to read
    them, and the CPU time of those that poll.
    """

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
    others_cpu_s: float | None = None
    pressure_s: float | None = None
    instruments_s: float | None = None
    energy: tuple[EnergyWindow, ...]
    phases: tuple[PhaseWindow, ...] = ()
    samples: SampleFile
    loadgen: LoadgenTest | None = None
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
    cosine: float | None = None
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
