"""One trial within a run: its worker's life, its turns, its failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from wattmark import registry
from wattmark.conduct.judge import Judge
from wattmark.conduct.launcher import Launcher
from wattmark.conduct.local_process import LOCAL
from wattmark.conduct.process import WorkerProcess
from wattmark.conduct.recorder import Recorder, Samples
from wattmark.errors import WorkerError
from wattmark.machine import contention
from wattmark.records import (
    ConversionCheck,
    EnergyWindow,
    ExecutionRecord,
    IdleRecord,
    LoadgenTest,
    PhaseWindow,
    Plan,
    Round,
    Trial,
)
from wattmark.worker.answers import read_answers
from wattmark.worker.jobs import Job

#: A test may take this many times as long as the warm-up lets expect, before it hangs.
SLOWER_THAN_WARM = 4.0


class TrialSession:
    """Drives the worker processes of one trial. Raises WorkerError when the worker fails."""

    def __init__(
        self,
        trial: Trial,
        job: Job,
        plan: Plan,
        recorder: Recorder,
        judge: Judge,
        first_execution: int,
        launcher: Launcher = LOCAL,
    ) -> None:
        self.trial = trial
        self.stage = "load"
        self.peak_rss_bytes = 0
        self.load_s = 0.0
        self._job = job
        self._plan = plan
        self._recorder = recorder
        self._judge = judge
        self._launcher = launcher
        self._execution = first_execution - 1
        self._worker: WorkerProcess | None = None
        self._loaded: dict[str, Any] = {}
        self._query_s = 0.0

    @property
    def alive(self) -> bool:
        """Whether a worker is there."""
        return self._worker is not None

    def start(self) -> None:
        """Spawn a fresh process; returns at once."""
        self._execution += 1
        self.stage = "load"
        setup = self.trial.setup
        environment = registry.framework(setup.framework).environment(
            setup, self._job.artefact, self._job.threads
        )
        name = f"{self.trial.id.replace('/', '-')}-{self._execution}"
        folder = self._recorder.folder() / "workers"
        self._worker = WorkerProcess(self._launcher, self._job, folder, name, environment)

    def wait_loaded(self) -> None:
        """Wait until it has loaded and its conversion was checked."""
        self._loaded = self._ask(None, self._job.losses_limit_s)
        self.load_s = self._loaded["load_s"]

    def warm_up(self) -> None:
        """Let it warm up, and record this execution."""
        self.stage = "warm-up"
        warm = self._ask({"do": "warm-up"})
        self.peak_rss_bytes = int(warm["peak_rss_bytes"])
        self._query_s = warm["warm_up_s"] / max(1, warm["warm_up_queries"])
        self._recorder.add_execution(
            ExecutionRecord(
                trial=self.trial.id,
                execution=self._execution,
                load_s=self._loaded["load_s"],
                warm_up_queries=warm["warm_up_queries"],
                warm_up_s=warm["warm_up_s"],
                steady=warm["steady"],
                peak_rss_bytes=self.peak_rss_bytes,
                check=ConversionCheck.model_validate(self._loaded["check"]),
            )
        )
        self.stage = "round"

    def idle(self) -> IdleRecord | None:
        """What the devices draw while all workers wait; None where the meters know themselves."""
        found = self._ask({"do": "idle"})["idle"]
        return None if found is None else IdleRecord.model_validate(found)

    def round(self, index: int, first: int, last: int, attempt: int) -> tuple[Round, Samples]:
        """One turn: queries first..last-1; recorded durably when this returns."""
        out = self._recorder.folder() / "workers" / f"{self.trial.id.replace('/', '-')}.npz"
        name = f"{self.trial.id.replace('/', '-')}-{self._execution}-{index}-{attempt}"
        logs = self._recorder.folder() / "loadgen" / name
        paths = {"out": str(out), "logs": str(logs)}
        reply = self._ask({"do": "round", "first": first, "last": last, **paths}, self._test_s())
        self.peak_rss_bytes = max(self.peak_rss_bytes, int(reply["peak_rss_bytes"]))
        samples = self._samples(out, reply["errors"])
        out.unlink()
        measured = contention.Contention(
            run_queue_wait_s=reply["run_queue_wait_s"],
            steal_s=reply["steal_s"],
            pressure_s=reply["pressure_s"],
            others_cpu_s=reply["others_cpu_s"],
        )
        done = Round(
            trial=self.trial.id,
            execution=self._execution,
            index=index,
            attempt=attempt,
            queries=reply["queries"],
            failed_queries=len(reply["errors"]),
            start_ns=reply["start_ns"],
            wall_s=reply["wall_s"],
            cpu_s=reply["cpu_s"],
            run_queue_wait_s=reply["run_queue_wait_s"],
            steal_s=reply["steal_s"],
            others_cpu_s=reply["others_cpu_s"],
            pressure_s=reply["pressure_s"],
            instruments_s=reply["instruments_s"],
            energy=tuple(EnergyWindow.model_validate(w) for w in reply["energy"]),
            phases=tuple(PhaseWindow.model_validate(w) for w in reply["phases"]),
            samples=self._recorder.save_samples(
                self.trial.id, self._execution, index, attempt, samples
            ),
            loadgen=_filed(reply["loadgen"], f"loadgen/{name}"),
            contended=contention.is_contended(
                measured, reply["cpu_s"], self._plan.contention_limit
            ),
        )
        self._recorder.add_round(done)
        return done, samples

    def stop(self) -> None:
        """Let the worker end by itself."""
        if self._worker is not None:
            self._worker.quit()
            self._worker = None

    def kill(self) -> None:
        """End the worker now."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _ask(self, message: dict[str, Any] | None, seconds: float = 0.0) -> dict[str, Any]:
        """Raises WorkerError for one that is silent for longer than ``seconds`` and the limit."""
        if self._worker is None:
            raise WorkerError("gone", f"{self.trial.id} has no worker")
        return self._worker.ask(message, self._plan.hang_timeout_s + seconds)

    def _test_s(self) -> float:
        """How long a test of LoadGen may take at the pace of the warm-up; 0 for our own loop."""
        if (wanted := self._plan.loadgen) is None:
            return 0.0
        scenario = registry.loadgen_scenario(self._plan.scenario)
        queries = scenario.strict_queries if wanted.strict else wanted.min_queries
        least_s = scenario.strict_duration_s if wanted.strict else wanted.min_duration_s
        queries_s = queries * wanted.samples_per_query * self._query_s
        return SLOWER_THAN_WARM * max(least_s, queries_s)

    def _samples(self, out: Path, errors: dict[str, str]) -> Samples:
        answers = read_answers(out)
        judged = [
            self._judge.unanswered(int(query))
            if output is None
            else self._judge.judge(int(query), output)
            for query, output in zip(answers.query, answers.outputs, strict=True)
        ]
        return Samples(
            query=answers.query,
            start_ns=answers.start_ns,
            latency_ns=answers.latency_ns,
            prediction=[prediction for prediction, _ in judged],
            score=np.array([score for _, score in judged]),
            error=[errors.get(str(i)) for i in range(len(answers.query))],
            phase_ns=answers.phase_ns,
            phase_units=answers.phase_units,
            batch=answers.batch,
            batch_ns=answers.batch_ns,
        )


def _filed(reply: Any, folder: str) -> LoadgenTest | None:
    """What LoadGen said, with the paths of its logs from the run's folder on."""
    if reply is None:
        return None
    test = LoadgenTest.model_validate(reply)
    logs = tuple(log.model_copy(update={"path": f"{folder}/{log.path}"}) for log in test.logs)
    return test.model_copy(update={"logs": logs})
