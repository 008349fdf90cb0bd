"""A round's queries, ready to be asked: by our own loop, or by LoadGen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wattmark import registry
from wattmark.batching.policy import BatchingPolicy
from wattmark.contracts import Inputs, Output, Pace, Timeline
from wattmark.records import LoadgenTest, Setup
from wattmark.worker.batches import Batch, batches
from wattmark.worker.inputs import shape_of
from wattmark.worker.jobs import Job


@dataclass(frozen=True)
class Asked:
    """What was asked, call by call, its times, and what LoadGen said, where it drove."""

    calls: Sequence[Batch]
    timeline: Timeline
    loadgen: LoadgenTest | None = None


class Round(Protocol):
    """Queries that are ready to be asked."""

    def run(self, answer: Callable[[Inputs], Output]) -> Asked:
        """Ask them."""
        ...


def ready(
    job: Job, queries: Sequence[Inputs], numbers: tuple[int, int], pace: Pace, logs: Path
) -> Round:
    """The queries from one number up to another, as the job wants them asked.

    ``logs`` is where LoadGen writes its own.
    """
    size = job.setup.batch
    if job.loadgen is None:
        return _OwnLoop(job.scenario, batches(queries, range(*numbers), size))
    return _Driven(job, queries, numbers, pace, logs)


def batching_policy(setup: Setup, shapes: int) -> BatchingPolicy | None:
    """When waiting queries are answered together: those of one shape (buckets 1, 2 ... shapes).

    None for a setup that answers one at a time. A batch is padded to its full size.
    """
    if setup.batch == 1:
        return None
    policy = BatchingPolicy(
        kind="static" if setup.max_wait_ms is None else "dynamic",
        max_batch=setup.batch,
        max_wait_ms=setup.max_wait_ms,
    )
    return policy.for_shapes(shapes)


class _OwnLoop:
    def __init__(self, scenario: str, calls: Sequence[Batch]) -> None:
        self._scenario = registry.scenario(scenario)
        self._calls = calls

    def run(self, answer: Callable[[Inputs], Output]) -> Asked:
        timeline = self._scenario.run(answer, [call.inputs for call in self._calls])
        return Asked(self._calls, timeline)


class _Driven:
    def __init__(
        self, job: Job, queries: Sequence[Inputs], numbers: tuple[int, int], pace: Pace, logs: Path
    ) -> None:
        from wattmark.scenarios.loadgen_driver import Loadgen

        assert job.loadgen is not None
        logs.mkdir(parents=True)
        scenario = registry.loadgen_scenario(job.scenario)

        def cut(asked: Sequence[int]) -> list[Batch]:
            return batches(queries, asked, job.setup.batch)

        shapes = list(dict.fromkeys(map(shape_of, queries)))
        buckets = {shape: at for at, shape in enumerate(shapes, 1)}
        self._numbers = numbers
        self._loadgen = Loadgen(
            scenario,
            job.loadgen,
            pace,
            cut,
            logs,
            batching_policy(job.setup, len(shapes)) if job.scenario == "server" else None,
            lambda number: buckets[shape_of(queries[number])],
        )

    def run(self, answer: Callable[[Inputs], Output]) -> Asked:
        driven = self._loadgen.run(answer, *self._numbers)
        return Asked(driven.calls, driven.timeline, driven.test)
