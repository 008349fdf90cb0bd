"""The loop of rounds: what a worker does once its rounds are measured takes none of them away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from synthetic_run import BASELINE

from wattmark.conduct.events import ignore
from wattmark.conduct.recorder import Recorded, Samples
from wattmark.conduct.rounds import RoundLoop
from wattmark.errors import WorkerError
from wattmark.records import Plan, Round, SampleFile, StopReason

OTHER = "jax/jit/fp32"


class Worker:
    """A session whose rounds take no CPU time that a clock could tell, and no time either."""

    def __init__(self, trial: str, idle: list[bool]) -> None:
        self.trial, self.alive, self.stage = trial, False, "round"
        self.peak_rss_bytes, self.load_s = 1, 0.0
        self.rounds = 0
        self._idle = idle

    def start(self) -> None:
        self.alive = True

    def wait_loaded(self) -> None:
        pass

    def warm_up(self) -> None:
        pass

    def idle(self) -> Any:
        if self._idle.pop(0):
            return SimpleNamespace()
        raise WorkerError("crash", "died while all was at rest")

    def round(self, index: int, first: int, last: int, attempt: int) -> tuple[Round, Samples]:
        self.rounds += 1
        done = Round(
            trial=self.trial,
            execution=0,
            index=index,
            queries=last - first,
            start_ns=0,
            wall_s=0.0,
            cpu_s=0.0,
            run_queue_wait_s=None,
            steal_s=None,
            energy=(),
            samples=SampleFile(path="x", sha256="", queries=last - first),
        )
        n = last - first
        none = np.zeros(n, np.int64)
        return done, Samples(
            np.arange(n, dtype=np.int32), none, none, [""] * n, np.ones(n), [None] * n
        )

    def stop(self) -> None:
        self.alive = False

    kill = stop


@pytest.mark.parametrize(("answers", "lost"), [([True, False], []), ([False, True], [BASELINE])])
def test_a_worker_that_dies_at_rest_after_its_rounds_keeps_them(
    answers: list[bool], lost: list[str]
) -> None:
    plan = Plan.model_validate(
        {
            "name": "p",
            "task": "t",
            "model": "m",
            "setups": [BASELINE, OTHER],
            "rounds": 3,
            "samples": 30,
            "executions": 1,
            "budget_s": 600.0,
            "complete_pass": False,
        }
    )
    failed: list[str] = []
    recorder: Any = SimpleNamespace(recorded=Recorded, add_idle=lambda idle: None)
    sessions: Any = {trial: Worker(trial, answers) for trial in (BASELINE, OTHER)}
    spent = iter(range(0, 100_000, 400))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RoundLoop, "_spent_s", lambda loop: next(spent))
        loop = RoundLoop(plan, sessions, recorder, 30, ignore, lambda t, *_: failed.append(t))
        reason = loop.run()
    assert failed == lost
    assert reason in (StopReason.BUDGET, StopReason.NARROW)
    assert all(sessions[t].rounds >= 3 for t in (BASELINE, OTHER) if t not in lost)
