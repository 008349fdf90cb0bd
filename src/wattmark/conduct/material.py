"""What a plan works on: the task's examples, the model's identity, the encoded queries."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from textwrap import shorten

from wattmark import registry
from wattmark.contracts import Example, HeldOutText, Inputs, Model, Task
from wattmark.errors import PlanError
from wattmark.planning import datasets
from wattmark.quantities import Quantity
from wattmark.records import ModelInfo, Plan, TaskInfo
from wattmark.worker.inputs import query_digest

#: How many examples to draw for calibrating static quantisation, and how few are too few.
CALIBRATION_SAMPLES = 200
MIN_CALIBRATION_SAMPLES = 16


@dataclass(frozen=True)
class Material:
    """Loaded once per run, before anything is timed.

    ``calibration`` holds inputs that are not measured, except where the data set has no others:
    then it holds the measured ones and ``calibrated_on_measured`` is true (and where no setup
    of the plan calibrates). ``held_out`` are texts that a model which generates text is judged by.
    """

    model: ModelInfo
    task: TaskInfo
    examples: list[Example]
    queries: list[Inputs]
    calibration: list[Inputs]
    calibrated_on_measured: bool
    cpus: tuple[int, ...]
    preprocess: Quantity
    held_out: list[HeldOutText] = field(default_factory=list)


def gather(plan: Plan) -> Material:
    """Fetch model and data and encode the queries.

    Raises AssetError, and PlanError where the model is not the task's, or nothing can be scored
    and quality is asked for.
    """
    task = registry.task(plan.task)
    model = registry.model(plan.model, plan.task)
    if model.task != task.name:
        raise PlanError(
            f"model {plan.model!r} is for task {model.task!r}, but the plan's task is {plan.task!r}"
        )
    if not plan.cost_only and (check := getattr(task, "require_scorable", None)) is not None:
        check(model)
    task_info, examples = datasets.load(task, plan.data, plan.samples, plan.seed)
    if len(examples) < 2:
        raise PlanError(f"task {plan.task!r} gave {len(examples)} examples; at least 2 are needed")
    if plan.cost_only:
        examples = [replace(example, label=None) for example in examples]
    else:
        task_info = _with_what_is_scored(task_info, examples)
    _encoded(plan, model, examples[:1])  # what is imported and read once is no query's time
    began = time.perf_counter()
    queries = _encoded(plan, model, examples)
    encode_ms = 1e3 * (time.perf_counter() - began) / len(queries)
    static = any(setup.precision.calibrated for setup in plan.setups)
    calibration = _calibration(plan, task, model, queries) if static else []
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
        held_out=_held_out(plan, task, model, examples),
    )


def _held_out(plan: Plan, task: Task, model: Model, examples: list[Example]) -> list[HeldOutText]:
    """Texts that are not asked, as the model takes them; none for other tasks and models."""
    texts, taken = getattr(task, "held_out", None), getattr(model, "held_out", None)
    if texts is None or taken is None or plan.cost_only:
        return []
    asked = {example.data for example in examples if isinstance(example.data, str)}
    found: list[HeldOutText] = taken(texts(asked, plan.seed))
    return found


def _with_what_is_scored(info: TaskInfo, examples: list[Example]) -> TaskInfo:
    """The task, saying how many examples have labels where not all do. Raises PlanError."""
    bare = sorted({e.source for e in examples if e.label is None})
    scored = sum(e.label is not None for e in examples)
    if not scored:
        raise PlanError(
            f"{', '.join(bare)}: no example has a label that {info.name} can score, so quality "
            "cannot be measured; measure cost alone with `cost_only: true` (--cost-only)"
        )
    if not bare:
        return info
    said = f"quality over the {scored} of {len(examples)} with labels, none of {', '.join(bare)}"
    return info.model_copy(update={"description": f"{info.description}; {said}"})


def _calibration(plan: Plan, task: Task, model: Model, queries: list[Inputs]) -> list[Inputs]:
    """Inputs of another sample without the measured ones; empty where too few are left."""
    _, examples = datasets.load(task, plan.data, CALIBRATION_SAMPLES, plan.seed + 1)
    measured = {query_digest(query) for query in queries}
    drawn = _encoded(plan, model, examples)
    others = [query for query in drawn if query_digest(query) not in measured]
    return others if len(others) >= MIN_CALIBRATION_SAMPLES else []


def _encoded(plan: Plan, model: Model, examples: list[Example]) -> list[Inputs]:
    """The model's inputs. Raises PlanError where it does not take what the data sets hold."""
    try:
        return model.preprocess([e.data for e in examples])
    except (TypeError, ValueError) as error:
        if not plan.data:
            raise
        said = shorten(ascii(str(error)), 200)  # it may quote an image's bytes
        raise PlanError(
            f"model {plan.model!r} cannot take the examples of {', '.join(plan.data)}: {said}; "
            "choose another model, or other data"
        ) from error


def pinned_cpus(plan: Plan) -> tuple[int, ...]:
    """Cores that workers are pinned to: the plan's, else all that this process may use."""
    allowed = os.sched_getaffinity(0)
    if missing := sorted(set(plan.cpus) - allowed):
        raise PlanError(f"cores {missing} of 'cpus' are not available; there are {sorted(allowed)}")
    return tuple(plan.cpus or sorted(allowed))
