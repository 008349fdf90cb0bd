"""What a plan works on: the task's examples, the model's identity, the encoded queries."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass

from wattmark import registry
from wattmark.contracts import Example, Inputs, Model, Task
from wattmark.errors import PlanError
from wattmark.quantities import Quantity
from wattmark.records import ModelInfo, Plan, Precision, TaskInfo

#: How many examples to draw for calibrating static quantisation, and how few are too few.
CALIBRATION_SAMPLES = 200
MIN_CALIBRATION_SAMPLES = 16


@dataclass(frozen=True)
class Material:
    """Loaded once per run, before anything is timed.

    ``calibration`` holds inputs that are not measured, except where the data set has no others:
    then it holds the measured ones and ``calibrated_on_measured`` is true (and where no setup
    of the plan calibrates).
    """

    model: ModelInfo
    task: TaskInfo
    examples: list[Example]
    queries: list[Inputs]
    calibration: list[Inputs]
    calibrated_on_measured: bool
    cpus: tuple[int, ...]
    preprocess: Quantity


def gather(plan: Plan) -> Material:
    """Fetch model and data and encode the queries. Raises AssetError, PlanError."""
    task = registry.task(plan.task)
    model = registry.model(plan.model, plan.task)
    if model.task != task.name:
        raise PlanError(
            f"model {plan.model!r} is for task {model.task!r}, but the plan's task is {plan.task!r}"
        )
    task_info, examples = task.load(plan.samples, plan.seed)
    if len(examples) < 2:
        raise PlanError(f"task {plan.task!r} gave {len(examples)} examples; at least 2 are needed")
    began = time.perf_counter()
    queries = model.preprocess([e.data for e in examples])
    encode_ms = 1e3 * (time.perf_counter() - began) / len(queries)
    static = any(setup.precision is Precision.INT8_STATIC for setup in plan.setups)
    calibration = _calibration(task, model, queries, plan.seed) if static else []
    return Material(
        model=model.info(),
        task=task_info,
        examples=examples,
        queries=queries,
        calibration=calibration or queries,
        calibrated_on_measured=static and not calibration,
        cpus=pinned_cpus(plan),
        # all queries at once, a single time: the figure has no spread to make an interval of
        preprocess=Quantity.between(encode_ms, encode_ms, encode_ms, "ms/query", level=0.0),
    )


def _calibration(task: Task, model: Model, queries: list[Inputs], seed: int) -> list[Inputs]:
    """Inputs of another sample without the measured ones; empty where too few are left."""
    _, examples = task.load(CALIBRATION_SAMPLES, seed + 1)
    measured = {_identity(query) for query in queries}
    drawn = model.preprocess([e.data for e in examples])
    others = [query for query in drawn if _identity(query) not in measured]
    return others if len(others) >= MIN_CALIBRATION_SAMPLES else []


def _identity(query: Inputs) -> bytes:
    digest = hashlib.sha256()
    for _, array in sorted(query.items()):
        digest.update(array.tobytes())
    return digest.digest()


def pinned_cpus(plan: Plan) -> tuple[int, ...]:
    """Cores that workers are pinned to: the plan's, else all that this process may use."""
    allowed = os.sched_getaffinity(0)
    if missing := sorted(set(plan.cpus) - allowed):
        raise PlanError(f"cores {missing} of 'cpus' are not available; there are {sorted(allowed)}")
    return tuple(plan.cpus or sorted(allowed))
