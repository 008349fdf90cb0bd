"""What a plan works on: the task's examples, the model's identity, the encoded queries."""

from __future__ import annotations

import os
from dataclasses import dataclass

from wattmark import registry
from wattmark.contracts import Example, Inputs
from wattmark.errors import PlanError
from wattmark.records import ModelInfo, Plan, TaskInfo


@dataclass(frozen=True)
class Material:
    """Loaded once per run, before anything is timed."""

    model: ModelInfo
    task: TaskInfo
    examples: list[Example]
    queries: list[Inputs]
    cpus: tuple[int, ...]


def gather(plan: Plan) -> Material:
    """Fetch model and data and encode the queries. Raises AssetError, PlanError."""
    task = registry.task(plan.task)
    model = registry.model(plan.model)
    if model.task != task.name:
        raise PlanError(
            f"model {plan.model!r} is for task {model.task!r}, but the plan's task is {plan.task!r}"
        )
    task_info, examples = task.load(plan.samples, plan.seed)
    if len(examples) < 2:
        raise PlanError(f"task {plan.task!r} gave {len(examples)} examples; at least 2 are needed")
    return Material(
        model=model.info(),
        task=task_info,
        examples=examples,
        queries=model.preprocess([e.data for e in examples]),
        cpus=pinned_cpus(plan),
    )


def pinned_cpus(plan: Plan) -> tuple[int, ...]:
    """Cores that workers are pinned to: the plan's, else all that this process may use."""
    allowed = os.sched_getaffinity(0)
    if missing := sorted(set(plan.cpus) - allowed):
        raise PlanError(f"cores {missing} of 'cpus' are not available; there are {sorted(allowed)}")
    return tuple(plan.cpus or sorted(allowed))
