"""Conducts a run: reference, preparations, then interleaved rounds until the rule says stop.

All that is measured goes to the recorder at once. A trial that fails is recorded with its reason
and the others go on. Ctrl-C ends the run in order: workers are stopped, nothing is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wattmark import registry
from wattmark.conduct.events import Event, Observer, Stage
from wattmark.conduct.interruption import interruptible
from wattmark.conduct.judge import Judge
from wattmark.conduct.launcher import Launcher
from wattmark.conduct.local_process import LOCAL
from wattmark.conduct.material import Material
from wattmark.conduct.preparing import Workplace, job_of, prepare
from wattmark.conduct.process import WorkerProcess
from wattmark.conduct.recorder import Recorder
from wattmark.conduct.rounds import RoundLoop
from wattmark.conduct.session import TrialSession
from wattmark.errors import WattmarkError, WorkerError, reason_of
from wattmark.records import Failure, Plan, StopReason, Trial
from wattmark.statistics import PastSpreads
from wattmark.worker.held_out import held_out_digest, save_held_out
from wattmark.worker.inputs import save_inputs, spread
from wattmark.worker.jobs import Job

CHECK_QUERIES = 24
PARALLEL_PREPARATIONS = 2
#: Compilers are silent for long: a preparation may take so many times a worker's time limit.
PREPARE_PATIENCE = 4


@dataclass(frozen=True)
class Outcome:
    """How a run went.

    ``prepared_s`` ends and ``measured_s`` begins with the first round. ``references`` gives, by
    trial, the folder of the reference's outputs and FLOPs.
    """

    stop_reason: StopReason
    prepared_s: float
    measured_s: float
    references: Mapping[str, Path]


class Conductor:
    """Runs a plan's trials. ``cache`` holds artefacts between runs, ``launcher`` starts workers.

    ``past`` is what earlier runs on this machine say of the spread between processes.
    """

    def __init__(
        self,
        plan: Plan,
        material: Material,
        recorder: Recorder,
        cache: Path,
        observe: Observer,
        launcher: Launcher = LOCAL,
        past: PastSpreads | None = None,
    ) -> None:
        self.plan = plan
        self.past = past
        self.material = material
        self.recorder = recorder
        self.cache = cache
        self.observe = observe
        self.launcher = launcher
        self.trials = trials_of(plan, material)
        self._children: set[WorkerProcess] = set()
        self._lock = threading.Lock()

    def run(self) -> Outcome:
        """Conduct the whole run. Raises WorkerError only if the reference itself fails."""
        start = time.monotonic()
        folder = self.recorder.folder()
        digest = save_inputs(self.material.queries, folder / "inputs")
        calibration = save_inputs(self.material.calibration, folder / "calibration")
        judged = held_out_digest(self.material.held_out)
        if judged:
            save_held_out(self.material.held_out, folder / "held_out")
        place = Workplace(
            folder,
            self.cache,
            self.material.model.digest,
            self.material.cpus,
            inputs_digest=digest,
            calibration_digest=calibration,
            held_out_digest=judged,
            checks=tuple(spread(self.material.queries, CHECK_QUERIES)),
        )
        jobs = {t.id: job_of(self.plan, t.setup, place) for t in self.trials}
        stop = StopReason.INTERRUPTED
        loop: RoundLoop | None = None
        try:
            with interruptible(self.observe) as self.observe:
                self._references(jobs)
                ready = self._prepare(jobs)
                loop = self._round_loop({t: jobs[t] for t in ready})
                stop = loop.run()
        except KeyboardInterrupt:
            pass
        finally:
            self._kill_children()
        end = time.monotonic()
        measuring_since = (loop.first_round_at if loop else None) or end
        references = {trial: job.reference for trial, job in jobs.items()}
        return Outcome(stop, measuring_since - start, end - measuring_since, references)

    def _references(self, jobs: dict[str, Job]) -> None:
        """One reference for each set of options: they change what is done, and so the FLOPs."""
        distinct = {job.reference: job for job in jobs.values()}
        for done, job in enumerate(distinct.values()):
            text = " ".join(
                ["outputs and FLOPs of PyTorch eager", *map("=".join, job.setup.options)]
            )
            self.observe(Event(Stage.REFERENCE, done, len(distinct), text=text))
            job = job.model_copy(update={"kind": "reference", "cpus": self.material.cpus})
            with self._child(job, f"reference-{done}", {}) as worker:
                worker.ask(None, self.plan.hang_timeout_s)
        self.observe(Event(Stage.REFERENCE, len(distinct), len(distinct)))

    def _prepare(self, jobs: dict[str, Job]) -> list[str]:
        failed = self.recorder.recorded().failures
        todo = [t for t in jobs if t not in failed]
        ready = []
        limit_s = PREPARE_PATIENCE * self.plan.hang_timeout_s
        self.observe(Event(Stage.PREPARE, 0, len(todo)))
        with ThreadPoolExecutor(PARALLEL_PREPARATIONS) as pool:
            futures = {
                pool.submit(prepare, jobs[t], self.material.cpus, self._child, limit_s): t
                for t in todo
            }
            try:
                for done, future in enumerate(as_completed(futures), 1):
                    trial = futures[future]
                    try:
                        preparation = future.result()
                    except WattmarkError as error:
                        self._fail(trial, "prepare", error)
                        continue
                    self.recorder.add_preparation(preparation)
                    ready.append(trial)
                    text = "cached" if preparation.cached else f"{preparation.seconds:.1f} s"
                    self.observe(Event(Stage.PREPARE, done, len(todo), trial, text))
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                self._kill_children()
                raise
        return ready

    def _round_loop(self, jobs: dict[str, Job]) -> RoundLoop:
        task, model = registry.task(self.plan.task), registry.model(self.plan.model, self.plan.task)
        judge = Judge(task, model, self.material)
        recorded = self.recorder.recorded()
        last = {e.trial: e.execution for e in recorded.executions}
        sessions = {
            trial.id: TrialSession(
                trial,
                jobs[trial.id],
                self.plan,
                self.recorder,
                judge,
                last.get(trial.id, -1) + 1,
                self.launcher,
            )
            for trial in self.trials
            if trial.id in jobs
        }
        return RoundLoop(
            self.plan,
            sessions,
            self.recorder,
            len(self.material.queries),
            self.observe,
            self._fail,
            self.past,
        )

    def _fail(self, trial: str, stage: str, error: WattmarkError) -> None:
        output = error.last_output if isinstance(error, WorkerError) else ""
        failure = Failure.model_validate(
            {
                "stage": stage,
                "reason": reason_of(error),
                "message": str(error),
                "last_output": output,
            }
        )
        self.recorder.add_failure(trial, failure)
        self.observe(Event(Stage.FAILED, 0, 0, trial, f"{stage}: {error}"))

    @contextmanager
    def _child(
        self, job: Job, name: str, environment: Mapping[str, str]
    ) -> Iterator[WorkerProcess]:
        folder = self.recorder.folder() / "workers"
        worker = WorkerProcess(self.launcher, job, folder, name, environment)
        with self._lock:
            self._children.add(worker)
        try:
            with worker:
                yield worker
        finally:
            with self._lock:
                self._children.discard(worker)

    def _kill_children(self) -> None:
        with self._lock:
            children = list(self._children)
        for worker in children:
            worker.kill()


def trials_of(plan: Plan, material: Material) -> list[Trial]:
    """The plan's trials, in its order."""
    return [
        Trial(
            task=plan.task,
            model=plan.model,
            model_digest=material.model.digest,
            setup=setup,
            scenario=plan.scenario,
        )
        for setup in plan.setups
    ]
