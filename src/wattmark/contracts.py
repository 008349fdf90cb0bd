"""What an instrument must offer: the interfaces of tasks, models, frameworks, scenarios, meters.

They are protocols: a plug-in need not import a base class. Arrays are host numpy arrays; a
query's inputs are ``{input name: array}`` with a leading batch axis of 1, its output is one
array. A plug-in is found by its entry point (see :mod:`wattmark.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """One tensor of a network. ``shape`` holds ints and, for a variable axis, its name.

    The first axis is the batch and is written 1; a setup with ``batch`` n gets n there.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Availability:
    """Whether an instrument can be used here; if not, the reason and the cure."""

    available: bool
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True)
class Network:
    """One graph of a model that a framework converts, loads and runs as a whole.

    A classifier has one, ``forward``; a speech recogniser two, ``encode`` and ``decode``.
    ``build`` gives the reference: a PyTorch module in eval mode whose forward takes the tensors
    of ``inputs`` and then those of ``reads``, in order, and returns one tensor, or, where
    ``writes`` is not empty, the output followed by the tensors of ``writes``.

    ``reads`` and ``writes`` are *state* (a key-value cache, an encoder's keys and values): tensors
    that pass from call to call by their name and need never reach the host. A name that is both
    read and written keeps its shape. Networks of one model share names.

    ``axes`` gives the sizes that each variable axis may take, smallest first. All combinations
    may occur, unless ``sizes`` lists those that do. A framework may compile a program for each.
    """

    name: str
    inputs: tuple[InputSpec, ...]
    build: Callable[[], torch.nn.Module]
    axes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    reads: tuple[InputSpec, ...] = ()
    writes: tuple[InputSpec, ...] = ()
    sizes: tuple[Mapping[str, int], ...] = ()

    @property
    def stateful(self) -> bool:
        """Whether it is run by a :class:`StatefulRunner`."""
        return bool(self.reads or self.writes)

    def module(self) -> torch.nn.Module:
        """The reference module; a new one each time."""
        return self.build()

    def with_batch(self, batch: int) -> Network:
        """The same network for ``batch`` queries at once."""

        def widened(specs: tuple[InputSpec, ...]) -> tuple[InputSpec, ...]:
            return tuple(replace(spec, shape=(batch, *spec.shape[1:])) for spec in specs)

        return replace(
            self,
            inputs=widened(self.inputs),
            reads=widened(self.reads),
            writes=widened(self.writes),
        )


class Runner(Protocol):
    """A loaded network without state: host arrays in, one host array out, synchronised."""

    def __call__(self, inputs: Inputs) -> Output:
        """The output for one call."""
        ...


#: State tensors by name, as the framework holds them: opaque to everybody else.
State = Mapping[str, Any]


class StatefulRunner(Protocol):
    """A loaded network with state."""

    def start(self, sizes: Mapping[str, int]) -> State:
        """Zeros for all that the network reads, at these sizes of its axes."""
        ...

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        """One call: the output on the host, and the state with what was written replaced.

        ``state`` must not be used again: a framework may have written over it.
        """
        ...


Runners = Mapping[str, Any]
"""A model's loaded networks by name: each a Runner or, where it is stateful, a StatefulRunner."""

Mark = Callable[[str, int], None]
"""``mark(phase, units)``: the phase has just produced or processed so many units."""


class Pipeline(Protocol):
    """How one query is answered with a model's networks: the same code over every framework.

    ``phases`` names the parts of a query in order, each with its unit
    (``{"prefill": "token", "decode": "token"}``); it is empty where a query has no parts.
    """

    phases: Mapping[str, str]

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        """Answer one query (or one batch). Calls ``mark`` whenever a phase has produced units."""
        ...

    def probe(self, runners: Runners, inputs: Inputs) -> Output:
        """Numbers that equal networks give equally (FP32: to 1e-4 of the largest).

        Every network takes part; nothing discrete (a sampled token) decides what comes next.
        The last axis holds what an argmax may be taken over.
        """
        ...


class Model(Protocol):
    """Weights with an identity, how to feed them, and how they answer."""

    name: str
    task: str

    def info(self) -> ModelInfo:
        """Identity; ``digest`` covers every file that the weights are made of, and the limits
        (lengths, sizes) that shape its networks."""
        ...

    def networks(self) -> tuple[Network, ...]:
        """Its networks, for a batch of 1."""
        ...

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """How it answers. ``options`` are the setup's own (``tokens``, ``sampler``, ``steps``);
        raises UnsupportedSetupError for one that it does not know or a bad value."""
        ...

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        """Turn the task's raw examples into inputs, padded to the smallest bucket that fits."""
        ...

    def postprocess(self, output: Output, inputs: Inputs) -> Any:
        """What the output for one query says in the task's terms: a text, boxes, an image."""
        ...


@dataclass(frozen=True)
class Example:
    """A raw example and what it should give. ``source`` is the data set that it is from."""

    data: Any
    label: Any
    source: str = ""


class Task(Protocol):
    """Data set, unit of work and quality metric.

    A task may also have ``also``: further metrics by name, each a function like ``quality``.
    They are reported beside it and decide nothing.
    """

    name: str
    default_model: str
    #: name of the quality metric ("accuracy", "rouge-l", "wer" ...)
    metric: str
    #: False where less of the metric is better (a word error rate)
    higher_is_better: bool

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """A seeded sample of at most ``samples`` examples, drawn equally from the data sets."""
        ...

    def predict(self, answer: Any) -> str:
        """The model's postprocessed answer to one query as text (kept in the raw samples)."""
        ...

    def score(self, prediction: str, label: Any) -> float:
        """Quality of one query, between 0 and 1."""
        ...

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        """The metric over a whole sample (a mean of scores, a correlation, an mAP).

        Resampled for its interval: about 1 000 calls on samples with repeats.
        """
        ...


@dataclass(frozen=True)
class Workspace:
    """What a framework gets to prepare one network.

    ``name`` is the model's. ``out`` is an empty folder that becomes the artefact. ``shared(key,
    build)`` returns a folder that several frameworks share (an ONNX export, a captured program):
    ``build(folder)`` runs at most once per network, batch and key. ``calibration`` holds real
    inputs of this network (its state comes with them under its names).
    """

    model: Network
    setup: Setup
    out: Path
    shared: Callable[[str, Callable[[Path], None]], Path]
    calibration: Sequence[Inputs] = field(default=())
    name: str = ""


class Framework(Protocol):
    """What executes a network. ``modes`` maps each mode to the precisions it can do."""

    name: str
    modes: Mapping[str, tuple[Precision, ...]]
    #: distributions that must be installed; their versions are part of the artefact's identity
    packages: tuple[str, ...]
    #: the extra that installs them
    extra: str

    def available(self, setup: Setup) -> Availability:
        """Whether this machine can run a setup of its ``modes``; imports no framework."""
        ...

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Environment variables to set before the worker imports the framework.

        ``artefact`` is the folder that holds a folder for each network.
        """
        ...

    def prepare(self, workspace: Workspace) -> None:
        """Export, convert, quantise and (where it can be cached) compile into workspace.out."""
        ...

    def load(
        self, artefact: Path, model: Network, setup: Setup, threads: int
    ) -> Runner | StatefulRunner:
        """Load one network, ready for every shape that its sizes allow."""
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

    def run(self, answer: Callable[[Inputs], Output], queries: Sequence[Inputs]) -> Timeline:
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
