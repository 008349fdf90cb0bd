"""What an instrument must offer: the interfaces of tasks, models, frameworks, scenarios, meters.

They are protocols: a plug-in need not import a base class. Arrays are host numpy arrays; a
query's inputs are ``{input name: array}`` with a leading batch axis of 1, its output is one
array. A plug-in is found by its entry point (see :mod:`wattmark.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wattmark.quantities import Grade, Reason
from wattmark.records import EnergyWindow, MeterReading, ModelInfo, Precision, Setup, TaskInfo

if TYPE_CHECKING:
    import torch

Inputs = dict[str, NDArray[Any]]
Output = NDArray[Any]


@dataclass(frozen=True)
class InputSpec:
    """One input of a model. ``shape`` holds ints and, for a variable axis, its name."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Availability:
    """Whether an instrument can be used here; if not, the reason and the cure."""

    available: bool
    reason: Reason | None = None
    detail: str = ""


class Model(Protocol):
    """Weights with an identity, and how to feed them.

    ``axes`` gives the sizes that each variable axis may take (padding buckets), smallest first;
    it is empty for a model of fixed shape. A framework may compile one program per size.
    """

    name: str
    task: str
    inputs: tuple[InputSpec, ...]
    axes: Mapping[str, tuple[int, ...]]

    def info(self) -> ModelInfo:
        """Identity; ``digest`` covers every file that the weights are made of."""
        ...

    def module(self) -> torch.nn.Module:
        """The reference: a PyTorch module in eval mode whose forward takes the inputs in order."""
        ...

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        """Turn the task's raw examples into inputs, padded to the smallest bucket that fits."""
        ...


@dataclass(frozen=True)
class Example:
    """A raw example and what it should give."""

    data: Any
    label: Any


class Task(Protocol):
    """Data set, unit of work and quality metric."""

    name: str
    default_model: str

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """A seeded sample of at most ``samples`` examples, drawn equally from the data sets."""
        ...

    def predict(self, output: Output) -> str:
        """What the model's output for one query says, as text (kept in the raw samples)."""
        ...

    def score(self, prediction: str, label: Any) -> float:
        """Quality of one query: 1 right, 0 wrong."""
        ...


class Runner(Protocol):
    """A loaded setup: host arrays in, one host array out, the device synchronised."""

    def __call__(self, inputs: Inputs) -> Output:
        """The output for one query."""
        ...


@dataclass(frozen=True)
class Workspace:
    """What a framework gets to prepare an artefact.

    ``out`` is an empty folder that becomes the artefact. ``shared(key, build)`` returns a folder
    that several frameworks share (an ONNX export, a captured program): ``build(folder)`` runs at
    most once per model and key. ``calibration`` holds real inputs of the task.
    """

    model: Model
    setup: Setup
    out: Path
    shared: Callable[[str, Callable[[Path], None]], Path]
    calibration: Sequence[Inputs] = field(default=())


class Framework(Protocol):
    """What executes a model. ``modes`` maps each mode to the precisions it can do."""

    name: str
    modes: Mapping[str, tuple[Precision, ...]]
    #: distributions that must be installed; their versions are part of the artefact's identity
    packages: tuple[str, ...]
    #: the extra that installs them
    extra: str

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Environment variables to set before the worker imports the framework."""
        ...

    def prepare(self, workspace: Workspace) -> None:
        """Export, convert, quantise and (where it can be cached) compile into workspace.out."""
        ...

    def load(self, artefact: Path, model: Model, setup: Setup, threads: int) -> Runner:
        """Load the artefact, ready for every shape that the model's axes allow."""
        ...


@dataclass(frozen=True)
class Timeline:
    """What a scenario recorded: per query, start and latency on the monotonic clock, output."""

    start_ns: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    outputs: list[Output | None]
    errors: dict[int, str] = field(default_factory=dict)


class Scenario(Protocol):
    """How queries arrive. MLPerf's names."""

    name: str

    def run(self, runner: Runner, queries: Sequence[Inputs]) -> Timeline:
        """Issue every query once and record the time of each."""
        ...


@dataclass(frozen=True)
class MeterInfo:
    """What an instrument covers and how fast it is."""

    name: str
    domains: tuple[str, ...]
    grade: Grade
    update_period_s: float
    detail: str = ""


class Meter(Protocol):
    """An instrument: reads cumulative joules of one or more domains.

    Constructed without arguments. ``probe`` must not raise; ``read`` raises MeterError.
    A meter of grade ``modelled`` covers the process that reads it.
    """

    name: str
    grade: Grade

    def probe(self) -> Availability:
        """Whether it can be used here."""
        ...

    def open(self, cores: int) -> MeterInfo:
        """Start using it; ``cores`` is the number of cores that the worker is pinned to."""
        ...

    def read(self) -> MeterReading:
        """Raw cumulative values now."""
        ...

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy between two readings, one entry per domain; missing with a reason, never 0."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...
