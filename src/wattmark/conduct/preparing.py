"""Prepare a setup: its job, its artefact's folder, and the worker that converts it.

A conductor prepares all setups of a plan, ``wattmark serve`` the one that it answers with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from wattmark import registry
from wattmark.conduct.process import WorkerProcess
from wattmark.contracts import Framework
from wattmark.errors import WattmarkError
from wattmark.records import Plan, Preparation, Setup, content_digest
from wattmark.worker.artefacts import artefact_key, package_versions, require_supported, shared_key
from wattmark.worker.held_out import losses_file
from wattmark.worker.jobs import Job

#: A worker that does not become steady may warm up for this share of the plan's budget, and
#: no less than so many seconds.
WARM_UP_SHARE = 0.25
MIN_WARM_UP_S = 20.0
#: Of the plan's budget, how long one life of a worker may be asked for held-out texts; this time
#: is not part of the budget, and is spent once for an artefact.
LOSSES_SHARE = 0.5

#: Bump when a reference comes to say something else, or to refuse what it took.
REFERENCE_VERSION = 2
#: Starts a worker of a job, of this name and with these environment variables.
Start = Callable[[Job, str, Mapping[str, str]], AbstractContextManager[WorkerProcess]]


@dataclass(frozen=True)
class Workplace:
    """What the workers of a plan share.

    ``folder`` is the run's, with the saved ``inputs``, ``calibration`` and ``held_out`` in it;
    their digests are empty where nothing was saved. ``checks`` are the numbers of the queries that
    conversions are checked with, ``cpus`` the cores to pin to. ``cache`` holds artefacts between
    runs.
    """

    folder: Path
    cache: Path
    model_digest: str
    cpus: tuple[int, ...]
    inputs_digest: str = ""
    calibration_digest: str = ""
    held_out_digest: str = ""
    checks: tuple[int, ...] = ()


def usable_framework(setup: Setup) -> Framework:
    """The framework of a setup.

    Raises UnsupportedSetupError where it does not offer the setup, MissingPackageError where it
    is not installed, UnknownNameError.
    """
    framework = registry.framework(setup.framework)
    require_supported(framework, setup)
    package_versions(framework)
    return framework


def job_of(plan: Plan, setup: Setup, place: Workplace) -> Job:
    """The job of measuring a setup of a plan."""
    about = {
        "version": REFERENCE_VERSION,
        "model": place.model_digest,
        "inputs": place.inputs_digest,
        "checks": place.checks,
        "options": setup.options,
    }
    threads = min(setup.threads or len(place.cpus), len(place.cpus))
    artefacts = place.cache / "artefacts"
    artefact, judged = _artefact_key(setup, place), place.held_out_digest
    return Job(
        kind="measure",
        task=plan.task,
        model=from_anywhere(plan.model),
        setup=setup,
        scenario=plan.scenario,
        loadgen=plan.loadgen,
        artefact=artefacts / artefact,
        shared=artefacts / shared_key(place.model_digest),
        inputs=place.folder / "inputs",
        calibration=place.folder / "calibration",
        reference=place.cache / "references" / content_digest(about)[:16],
        check_queries=place.checks,
        held_out=place.folder / "held_out" if judged else None,
        losses=losses_file(place.cache, artefact, judged) if judged else None,
        losses_limit_s=LOSSES_SHARE * plan.budget_s,
        threads=threads,
        cpus=place.cpus[-threads:],
        meters=plan.meters,
        whole_node=plan.whole_node or False,
        warm_up_limit_s=max(MIN_WARM_UP_S, WARM_UP_SHARE * plan.budget_s),
    )


def from_anywhere(model: str) -> str:
    """A model's name that means the same in a worker, which stands in another folder."""
    path = model.removeprefix("folder:")
    if path == model:
        return model
    try:
        return f"folder:{Path(path).expanduser().absolute()}"
    except RuntimeError:  # no such ~user: the model says so
        return model


def _artefact_key(setup: Setup, place: Workplace) -> str:
    framework = registry.framework(setup.framework)
    try:
        return artefact_key(framework, setup, place.model_digest, place.calibration_digest)
    except WattmarkError:
        return "unsupported"  # prepare refuses it with the reason


def prepare(job: Job, cpus: tuple[int, ...], start: Start, limit_s: float) -> Preparation:
    """Convert the setup of a job in a worker on these cores, or find it converted.

    Raises what `usable_framework` does, and WorkerError where the conversion fails or is silent
    for longer than ``limit_s``.
    """
    framework = usable_framework(job.setup)
    trial = job.setup.label
    job = job.model_copy(update={"kind": "prepare", "cpus": cpus})
    environment = framework.environment(job.setup, job.artefact, job.threads)
    with start(job, f"prepare-{trial.replace('/', '-')}", environment) as worker:
        reply = worker.ask(None, limit_s)
    return Preparation(
        trial=trial,
        artefact=job.artefact.name,
        seconds=reply["seconds"],
        cached=reply["cached"],
        bytes=reply["bytes"],
    )
