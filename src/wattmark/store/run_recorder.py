"""The recorder of one run: what the conductor measures goes into the store at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wattmark.conduct.recorder import Recorded, Samples
from wattmark.records import ExecutionRecord, Failure, IdleRecord, Preparation, Round, SampleFile
from wattmark.store.samples import Column
from wattmark.store.store import Store


class RunRecorder:
    """Implements `wattmark.conduct.recorder.Recorder` for one run of a store."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id

    def folder(self) -> Path:
        """The run's own folder."""
        return self._store.folder(self._run_id)

    def recorded(self) -> Recorded:
        """What the run has recorded so far."""
        progress = self._store.progress(self._run_id)
        return Recorded(
            # a resumed run prepares again, from the cache: the first time counts
            preparations={p.trial: p for p in reversed(progress.preparations)},
            executions=list(progress.executions),
            rounds=list(progress.rounds),
            idle=list(progress.idle),
            failures=dict(progress.failures),
        )

    def add_preparation(self, preparation: Preparation) -> None:
        """Record that a trial's artefact is ready."""
        self._store.add_preparation(self._run_id, preparation)

    def add_execution(self, execution: ExecutionRecord) -> None:
        """Record one life of a worker."""
        self._store.add_execution(self._run_id, execution)

    def add_idle(self, idle: IdleRecord) -> None:
        """Record what the devices drew at idle."""
        self._store.add_idle(self._run_id, idle)

    def save_samples(
        self, trial: str, execution: int, index: int, attempt: int, samples: Samples
    ) -> SampleFile:
        """Write the raw samples of a round."""
        columns: dict[str, Column] = {
            "query": samples.query,
            "start_ns": samples.start_ns,
            "latency_ns": samples.latency_ns,
            "prediction": samples.prediction,
            "score": samples.score,
            "error": samples.error,
        }
        if samples.phase_ns.size:
            columns |= {"phase_ns": samples.phase_ns, "phase_units": samples.phase_units}
        if samples.batch.size:
            columns |= {"batch": samples.batch, "batch_ns": samples.batch_ns}
        return self._store.write_samples(self._run_id, trial, execution, index, attempt, columns)

    def load_samples(self, file: SampleFile) -> Samples:
        """Read raw samples back, checked by digest."""
        columns = self._store.read_samples(self._run_id, file)
        return Samples(
            query=columns["query"],
            start_ns=columns["start_ns"],
            latency_ns=columns["latency_ns"],
            prediction=columns["prediction"],
            score=np.asarray(columns["score"]),
            error=columns["error"],
            phase_ns=columns["phase_ns"],
            phase_units=columns["phase_units"],
            batch=columns["batch"],
            batch_ns=columns["batch_ns"],
        )

    def add_round(self, done: Round) -> None:
        """Record a round: durable when this returns."""
        self._store.add_round(self._run_id, done)

    def supersede(self, done: Round) -> None:
        """Mark a round as repeated."""
        self._store.supersede_round(
            self._run_id, done.trial, done.execution, done.index, done.attempt
        )

    def add_failure(self, trial: str, failure: Failure) -> None:
        """Record why a trial gives no result."""
        self._store.add_failure(self._run_id, trial, failure)
