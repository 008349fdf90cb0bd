"""Workers by any launcher: the conductor and ``serve`` know only what the protocol says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from wattmark.conduct.conductor import Conductor
from wattmark.conduct.events import ignore
from wattmark.conduct.launcher import ExitStatus
from wattmark.conduct.local_process import LOCAL, exit_status
from wattmark.conduct.material import gather
from wattmark.conduct.process import WorkerProcess
from wattmark.errors import ConversionError, WorkerError, reason_of
from wattmark.machine.environment import collect
from wattmark.records import Plan, Setup
from wattmark.serving.loaded import LoadedModel, Query
from wattmark.store import Store
from wattmark.store.run_recorder import RunRecorder
from wattmark.worker.jobs import Job
from wattmark.worker.messages import Channel

#: All that a worker gets to see of this process's environment.
KEPT = ("PATH", "PYTHONPATH", "WATTMARK_CACHE", "HOME")


class Sealed:
    """Starts a worker with an empty environment: a pair of sockets, and no log on the disk."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start(
        self, job: Job, folder: Path, name: str, environment: Mapping[str, str]
    ) -> SealedWorker:
        self.started.append(name)
        job_path = folder / f"{name} sealed.json"
        job_path.write_text(job.model_dump_json())
        seen = {key: os.environ[key] for key in KEPT if key in os.environ}
        variables = [f"{k}={v}" for k, v in {**seen, **environment, "SEALED": "yes"}.items()]
        read, theirs = os.pipe()
        ours, write = os.pipe()
        worker = [sys.executable, "-m", "wattmark.worker", str(job_path), str(ours), str(theirs)]
        process = subprocess.Popen(
            ["setsid", "env", "-i", *variables, *worker],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(ours, theirs),
        )
        os.close(ours)
        os.close(theirs)
        return SealedWorker(process, Channel(read, write))


class SealedWorker:
    def __init__(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self.channel = channel
        self._process = process

    def log(self) -> str:
        return "nothing comes out of here"

    def wait(self, timeout_s: float | None = None) -> ExitStatus | None:
        try:
            return ExitStatus("sealed", f"ended with {self._process.wait(timeout_s)} in its seal")
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def plan(*setups: str) -> Plan:
    return Plan.model_validate(
        {
            "name": "launched",
            "task": "fake-task",
            "model": "fake-model",
            "setups": setups,
            "samples": 200,
            "rounds": 3,
            "executions": 1,
            "ratio_width": 0.9,
            "budget_s": 5,
        }
    )


@pytest.mark.slow
@pytest.mark.usefixtures("fake_plugin")
def test_a_conductor_takes_any_launcher(tmp_path: Path) -> None:
    wanted, launcher = plan("fake/right/fp32", "fake/killed/fp32"), Sealed()
    material = gather(wanted)
    with Store.open() as store:
        environment = collect(material.cpus)
        store.begin("launched", "2026-11-28", wanted, material.model, material.task, environment)
        recorder = RunRecorder(store, "launched")
        conductor = Conductor(wanted, material, recorder, tmp_path, ignore, launcher)
        conductor.run()
        recorded = store.progress("launched")

    assert {r.trial for r in recorded.rounds} >= {"fake/right/fp32"}
    assert set(launcher.started) >= {
        "reference-0",
        "prepare-fake-right-fp32",
        "prepare-fake-killed-fp32",
        "fake-right-fp32-0",
        "fake-killed-fp32-0",
    }
    failure = recorded.failures["fake/killed/fp32"]
    assert failure.reason == "sealed" and failure.message.endswith("ended with -9 in its seal")
    assert failure.last_output == "nothing comes out of here"


@pytest.mark.usefixtures("fake_plugin")
def test_serve_takes_any_launcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path))
    launcher = Sealed()
    setup = Setup(framework="fake", mode="right", batch=2)
    loaded = LoadedModel("fake-model", "fake-task", setup, launcher)

    assert launcher.started == ["prepare-fake-right-fp32-b2"]
    (output,) = loaded.answer([Query({"x": np.ones((1, 16), np.float32)})])
    assert output.shape == (1, 3)


def job(tmp_path: Path, kind: str) -> Job:
    return Job(
        kind=kind,
        task="fake-task",
        model="fake-model",
        setup=Setup(framework="fake", mode="unprepared"),
        scenario="single-stream",
        artefact=tmp_path / "artefact",
        shared=tmp_path / "shared",
        inputs=tmp_path / "inputs",
        calibration=tmp_path / "calibration",
        reference=tmp_path / "reference",
        check_queries=(),
        threads=1,
        cpus=tuple(sorted(os.sched_getaffinity(0))),
    )


@pytest.mark.usefixtures("fake_plugin")
def test_an_error_of_a_worker_comes_with_its_code_and_what_was_printed(tmp_path: Path) -> None:
    with WorkerProcess(LOCAL, job(tmp_path, "prepare"), tmp_path / "w", "one", {}) as worker:
        with pytest.raises(WorkerError, match="cannot be converted") as raised:
            worker.ask(None, 60)
        with pytest.raises(WorkerError, match="was stopped"):
            worker.ask({"do": "round"}, 1)

    assert raised.value.reason == "value"
    assert "ValueError: this model cannot be converted" in raised.value.last_output


def test_a_kind_of_job_that_no_worker_does_is_named_with_those_that_it_does(
    tmp_path: Path,
) -> None:
    with (
        WorkerProcess(LOCAL, job(tmp_path, "messure"), tmp_path / "w", "one", {}) as worker,
        pytest.raises(WorkerError, match="'messure': did you mean 'measure'"),
    ):
        worker.ask(None, 60)


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (3, "exited", "exited with status 3"),
        (-signal.SIGSEGV, "segmentation_fault", "crashed with a segmentation fault"),
        (-signal.SIGUSR1, "signal", f"died of signal {signal.SIGUSR1.value}"),
    ],
)
def test_how_a_process_ended_is_said_in_words(code: int, reason: str, words: str) -> None:
    assert exit_status(code) == ExitStatus(reason, words)


def test_reasons_are_short_codes_of_errors() -> None:
    assert reason_of(ConversionError("x")) == "conversion"
    assert reason_of(MemoryError()) == "out_of_memory"
    assert reason_of(WorkerError("hang", "x")) == "hang"
