"""Run a plan from end to end, resume it, load it: what the public API is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark import registry
from wattmark.conduct.events import Event, Observer, Stage, ignore
from wattmark.records import LOADGEN_TESTS, Bundle, Environment, Plan, Run, Suite

if TYPE_CHECKING:
    from wattmark.conduct.material import Material
    from wattmark.store import Store

#: Packages whose versions are part of the environment, beside those of the frameworks.
_PACKAGES = ("wattmark", "numpy", "transformers", "tokenizers", "onnx", "nncf")


def read(source: str | Path | None = None) -> Plan | Suite:
    """The plan or suite in a file or of a packaged name; None: the quickstart. Raises PlanError."""
    from wattmark.planning.suites import load

    return load(source)


def narrowed(suite: Suite, only: Collection[str], budget_s: float | None) -> Suite:
    """The plans of a suite that are asked for, with a budget for all of them. Raises PlanError."""
    from wattmark.planning.suites import select, share_budget

    chosen = select(suite, only) if only else suite
    return chosen if budget_s is None else share_budget(chosen, budget_s)


def adjusted(
    plan: Plan,
    *,
    fast: bool = False,
    samples: int | None = None,
    budget_s: float | None = None,
    model: str | None = None,
    data: Collection[str] | None = None,
    cost_only: bool | None = None,
    options: Mapping[str, str] | None = None,
    meters: Collection[str] | None = None,
    whole_node: bool | None = None,
    scenario: str | None = None,
    mlperf: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan with these changes; ``options`` are put into every setup. Raises PlanError.

    A ``scenario`` is driven by LoadGen, with the settings ``mlperf``, as a few long tests.
    """
    from wattmark.planning.plans import load_plan

    plan = plan.fast() if fast else plan
    if options:
        plan = plan.with_options(**options)
    changes: dict[str, Any] = {"samples": samples, "budget_s": budget_s, "model": model}
    changes |= {"data": tuple(data) if data else None, "cost_only": cost_only}
    changes |= {"meters": tuple(meters) if meters else None, "whole_node": whole_node}
    wanted = {key: value for key, value in changes.items() if value is not None}
    if scenario or mlperf:
        wanted["scenario"] = scenario or plan.scenario
        wanted["mlperf"] = {**(plan.mlperf.model_dump() if plan.mlperf else {}), **(mlperf or {})}
    if scenario and plan.loadgen is None:
        wanted |= {"rounds": LOADGEN_TESTS, "executions": 1}
    if samples is not None and samples < plan.rounds:
        wanted["rounds"] = max(2, samples)
        wanted["executions"] = min(plan.executions, wanted["rounds"])
    return load_plan({**plan.model_dump(), **wanted}) if wanted else plan


def run(
    plan: str | Path | Mapping[str, Any] | Plan | None = None,
    *,
    fast: bool = False,
    samples: int | None = None,
    budget_s: float | None = None,
    model: str | None = None,
    data: Collection[str] | None = None,
    cost_only: bool | None = None,
    options: Mapping[str, str] | None = None,
    meters: Collection[str] | None = None,
    whole_node: bool | None = None,
    scenario: str | None = None,
    mlperf: Mapping[str, Any] | None = None,
    observe: Observer = ignore,
) -> Run:
    """Run a plan (a file, a mapping, a Plan; None: the quickstart) and return what came of it.

    ``fast`` takes one process a setup and stops at ±10 %; ``data`` names public data sets
    (``("imdb", "yelp=folder:PATH")``); ``cost_only`` measures no quality; ``options``
    (``{"tokens": "64"}``) go into every setup; ``meters`` names the instruments, and left out the
    best for each domain are taken; ``whole_node`` charges a setup with every GPU of the machine and
    not only with those that it uses. ``scenario`` ("server") has MLPerf's LoadGen drive, with the
    settings ``mlperf`` (``{"target_qps": 20, "target_latency_ms": 100}``). Ctrl-C gives the run so
    far, with ``stop_reason`` "interrupted". Raises PlanError for a plan that cannot be run,
    AssetError where model or data cannot be had, WorkerError where the reference itself fails.
    """
    from wattmark.conduct.material import gather
    from wattmark.planning.plans import load_plan
    from wattmark.store import Store
    from wattmark.store.run_ids import new_run_id

    loaded = adjusted(
        plan if isinstance(plan, Plan) else load_plan(plan),
        fast=fast,
        samples=samples,
        budget_s=budget_s,
        model=model,
        data=data,
        cost_only=cost_only,
        options=options,
        meters=meters,
        whole_node=whole_node,
        scenario=scenario,
        mlperf=mlperf,
    )
    observe(Event(Stage.DATA, 0, 1, text="fetching what is not there yet"))
    material = gather(loaded)
    with Store.open() as store:
        created_at = datetime.now(UTC)
        run_id = new_run_id(loaded.name, created_at)
        store.begin(
            run_id,
            created_at.isoformat(timespec="seconds"),
            loaded,
            material.model,
            material.task,
            _environment(loaded, material),
        )
        return _conduct(store, run_id, material, observe)


def resume(name: str, *, observe: Observer = ignore) -> Run:
    """Finish a run that was interrupted; ``name`` is its id, a unique prefix, or "latest".

    Raises RunNotFoundError, and PlanError where it is finished, or where data, model or machine
    are no longer those that it began with.
    """
    from wattmark.conduct.material import gather
    from wattmark.errors import InputError
    from wattmark.machine.environment import require_comparable
    from wattmark.store import RunStatus, Store
    from wattmark.workflows.kinds import PLAN, find

    run_id = find(name, [PLAN])[1]
    with Store.open() as store:
        recorded = store.progress(run_id)
        if recorded.status is RunStatus.FINISHED:
            raise InputError(f"run {run_id} is finished: `wattmark show {run_id}` shows it")
        material = gather(recorded.plan)
        if material.task.data_digest != recorded.task.data_digest:
            raise InputError(f"run {run_id} cannot be resumed: the task's data have changed")
        if material.model.digest != recorded.model.digest:
            raise InputError(f"run {run_id} cannot be resumed: the model has changed")
        require_comparable(recorded.environment, _environment(recorded.plan, material))
        return _conduct(store, run_id, material, observe)


def load(name: str = "latest") -> Run:
    """A finished run of a plan by its id, a unique prefix of it, or "latest".

    Raises RunNotFoundError, also for a run of another kind, which it names.
    """
    from wattmark.workflows.kinds import PLAN, find

    return PLAN.kept.load(find(name, [PLAN])[1])


def bundle(name: str = "latest") -> Bundle:
    """A finished run as the bytes that were written for it. Raises as `load` does."""
    from wattmark.store import Store
    from wattmark.workflows.kinds import PLAN, find

    run_id = find(name, [PLAN])[1]
    with Store.open() as store:
        return store.bundle(run_id)


def finished_bundles() -> list[Bundle]:
    """All finished runs as the bytes that were written for them, newest first."""
    from wattmark.store import RunStatus, Store

    with Store.open() as store:
        return [store.bundle(s.id) for s in store.runs() if s.status is RunStatus.FINISHED]


def finished() -> list[Run]:
    """All finished runs, newest first."""
    from wattmark.store import RunStatus, Store

    with Store.open() as store:
        return [store.load(s.id) for s in store.runs() if s.status is RunStatus.FINISHED]


def _environment(plan: Plan, material: Material) -> Environment:
    from wattmark.machine.environment import collect
    from wattmark.meters.nvml import device_names

    packages = {p for s in plan.setups for p in registry.framework(s.framework).packages}
    return collect(material.cpus, {*packages, *_PACKAGES}, gpus=device_names())


def _conduct(store: Store, run_id: str, material: Material, observe: Observer) -> Run:
    from wattmark.assets.cache import cache_folder
    from wattmark.conduct.conductor import Conductor
    from wattmark.rating import rate_results
    from wattmark.results.past_spreads import past_spreads
    from wattmark.results.summary import summarise
    from wattmark.store.run_recorder import RunRecorder

    recorded = store.progress(run_id)
    recorder = RunRecorder(store, run_id)
    past = past_spreads(
        store.past_runs(run_id, recorded.plan, recorded.environment), recorded.created_at
    )
    conductor = Conductor(recorded.plan, material, recorder, cache_folder(), observe, past=past)
    try:
        outcome = conductor.run()
        results, model = summarise(
            recorded.plan,
            conductor.trials,
            material,
            recorder,
            outcome.references,
            cache_folder(),
            past,
        )
        done = Run(
            id=run_id,
            created_at=recorded.created_at,
            plan=recorded.plan,
            model=model,
            task=material.task,
            environment=recorded.environment,
            results=results,
            ratings=rate_results(results),
            stop_reason=outcome.stop_reason,
            measured_s=outcome.measured_s,
            prepared_s=outcome.prepared_s,
            preprocess=material.preprocess,
        )
    except BaseException:
        store.interrupt(run_id)  # what was recorded stays, and `--resume` can go on
        raise
    store.finish(done)
    return done
