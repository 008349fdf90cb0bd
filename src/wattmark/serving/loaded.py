"""A setup that is converted, loaded and answers batches of queries."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from wattmark import registry
from wattmark.batching.policy import BatchingPolicy
from wattmark.conduct.launcher import Launcher
from wattmark.conduct.local_process import LOCAL
from wattmark.conduct.material import gather
from wattmark.conduct.preparing import Workplace, job_of, prepare, usable_framework
from wattmark.conduct.process import WorkerProcess
from wattmark.contracts import Inputs, Network, Output
from wattmark.errors import InputError, WattmarkError
from wattmark.pipelines.forward import Forward
from wattmark.pipelines.greedy import NO_TOKEN, Greedy
from wattmark.records import Plan, Setup
from wattmark.worker.batches import joined
from wattmark.worker.inputs import save_inputs, shape_of
from wattmark.worker.jobs import Job

#: A conversion that says nothing for so long is stopped.
CONVERSION_LIMIT_S = 1800.0


@dataclass(frozen=True)
class Query:
    """One query: its inputs and, for a generator, how many tokens at most and who hears of each.

    ``emit(token)`` is called on the batcher's thread.
    """

    inputs: Inputs
    max_tokens: int = 0
    emit: Callable[[int], None] | None = None


class LoadedModel:
    """A model in a setup, ready to answer up to ``setup.batch`` queries of one shape at once.

    Conversion runs in a worker that ``launcher`` starts, and is cached. Raises InputError for a
    model that is answered in another way than by one call or token after token, UnknownNameError,
    UnsupportedSetupError, MissingPackageError, WorkerError, AssetError.
    """

    def __init__(
        self, name: str, task: str | None, setup: Setup, launcher: Launcher = LOCAL
    ) -> None:
        self.name, self.setup = name, setup
        self.model = registry.model(name, task or "")
        self.pipeline = self.model.pipeline(_options(self.model, setup))
        if not isinstance(self.pipeline, Forward | Greedy):
            raise InputError(
                f"{name} is answered by {type(self.pipeline).__name__}: serve knows models that "
                "answer with one call of one network, and generators of text"
            )
        framework = usable_framework(setup)
        examples = list(self._every_shape())
        self.shapes = [shape_of(inputs) for inputs in examples]
        job = _prepared(self.model, setup, launcher)
        os.environ.update(framework.environment(setup, job.artefact, job.threads))
        self.networks = tuple(n.with_batch(setup.batch) for n in self.model.networks())
        self.runners: Mapping[str, Any] = {
            network.name: framework.load(job.artefact / network.name, network, setup, job.threads)
            for network in self.networks
        }
        self.output = self._warmed_up(examples)

    @property
    def generates(self) -> bool:
        """Whether it answers token after token."""
        return isinstance(self.pipeline, Greedy)

    @property
    def limit(self) -> int:
        """The most tokens that an answer can have; 0 for a model that generates none."""
        return self.pipeline.limit if isinstance(self.pipeline, Greedy) else 0

    def ended(self, tokens: Sequence[int]) -> bool:
        """Whether these new tokens are an answer that ended by itself."""
        ends = isinstance(self.pipeline, Greedy) and tokens and self.pipeline.ends(tokens[-1])
        return bool(ends)

    def encoded(self, texts: list[str]) -> list[Inputs]:
        """A query of each text. Raises InputError where the model does not take them."""
        try:
            return self.model.preprocess(texts)
        except WattmarkError:
            raise
        except Exception as error:
            raise InputError(f"{self.name} cannot take this text: {error}") from error

    def policy(self, wanted: BatchingPolicy) -> BatchingPolicy:
        """The policy with the shapes as its buckets; a batch is padded to its full size."""
        return wanted.for_shapes(len(self.shapes))

    def bucket(self, inputs: Inputs) -> int:
        """The bucket of a query. Raises InputError for a shape that no program was made for."""
        shape = shape_of(inputs)
        if shape not in self.shapes:
            known = " or ".join(
                ", ".join(f"{name} {list(size)}" for name, size in known) for known in self.shapes
            )
            said = ", ".join(f"{name} {list(size)}" for name, size in shape)
            raise InputError(f"a query of {said} does not fit {self.name}: it takes {known}")
        return 1 + self.shapes.index(shape)

    def answer(self, queries: list[Query]) -> Sequence[Output]:
        """One output a query, with a first axis of 1: the network's, or the new tokens."""
        rows = [query.inputs for query in queries]
        numbers = [min(n, len(rows) - 1) for n in range(self.setup.batch)]  # the last one pads
        inputs = joined(rows, numbers).inputs
        if isinstance(self.pipeline, Forward):
            output = self.pipeline.probe(self.runners, inputs)
            return [np.array(output[n : n + 1]) for n in range(len(rows))]
        assert isinstance(self.pipeline, Greedy)
        return self._generate(self.pipeline, queries, inputs)

    def _generate(self, pipeline: Greedy, queries: list[Query], inputs: Inputs) -> list[Output]:
        tokens: list[list[int]] = [[] for _ in queries]
        for step in pipeline.steps(self.runners, inputs, lambda phase, units: None):
            going = False
            for query, own, token in zip(queries, tokens, step.tolist(), strict=False):
                if token == NO_TOKEN or len(own) >= query.max_tokens:
                    continue
                own.append(token)
                if query.emit is not None:
                    query.emit(token)
                going = going or len(own) < query.max_tokens
            if not going:
                break
        return [np.array([own], np.int64) for own in tokens]

    def _every_shape(self) -> Iterator[Inputs]:
        """A query of zeros of every shape that the model takes, for a batch of 1."""
        if self.generates:
            yield self.encoded(["warm up"])[0]
            return
        (network,) = self.model.networks()
        for sizes in _sizes(network):
            yield {
                spec.name: np.zeros(
                    [sizes.get(n, 1) if isinstance(n, str) else n for n in spec.shape], spec.dtype
                )
                for spec in network.inputs
            }

    def _warmed_up(self, examples: Sequence[Inputs]) -> Output:
        for inputs in examples:
            if not self.generates:
                inputs = {name: np.ones_like(array) for name, array in inputs.items()}
            output = self.answer([Query(inputs, max_tokens=2)] * self.setup.batch)[0]
        return output


def _options(model: Any, setup: Setup) -> dict[str, str]:
    """The setup's; a generator stops where an answer ends, unless a length was pinned."""
    options = dict(setup.options)
    if isinstance(model.pipeline(options), Greedy):
        return {"tokens": "free", **options}
    return options


def _sizes(network: Network) -> list[Mapping[str, int]]:
    if network.sizes:
        return list(network.sizes)
    names = list(network.axes)
    every = product(*(network.axes[name] for name in names))
    return [dict(zip(names, sizes, strict=True)) for sizes in every]


def _prepared(model: Any, setup: Setup, launcher: Launcher) -> Job:
    """The job of a setup whose artefact is there now."""
    from wattmark.assets.cache import cache_folder

    plan = Plan(name="serve", task=model.task, model=model.name, setups=(setup,), scenario="server")
    cpus = tuple(sorted(os.sched_getaffinity(0)))
    with _folder() as folder:
        calibration = ""
        if setup.precision.calibrated:
            calibration = save_inputs(gather(plan).calibration, folder / "calibration")
        place = Workplace(
            folder, cache_folder(), model.info().digest, cpus, calibration_digest=calibration
        )
        job = job_of(plan, setup, place)
        start = partial(_worker, launcher, folder)
        prepare(job, cpus, start, CONVERSION_LIMIT_S)
    return job


def _worker(
    launcher: Launcher, folder: Path, job: Job, name: str, environment: Mapping[str, str]
) -> WorkerProcess:
    return WorkerProcess(launcher, job, folder, name, environment)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wattmark-serve-") as name:
        yield Path(name)
