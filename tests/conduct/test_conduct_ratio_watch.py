"""When no more rounds, and no more processes, are needed to know the ratios."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from synthetic_run import BASELINE

from wattmark.conduct.ratio_watch import RatioWatch
from wattmark.conduct.recorder import Samples
from wattmark.records import Plan, Round, SampleFile
from wattmark.statistics import PastSpread, PastSpreads

OTHER = "jax/jit/fp32"
PLAN = Plan.model_validate(
    {"name": "p", "task": "t", "model": "m", "setups": [BASELINE, OTHER], "ratio_width": 0.05}
)


def a_block(latency_ns: int) -> Samples:
    n = 4
    return Samples(
        query=np.arange(n, dtype=np.int32),
        start_ns=np.zeros(n, np.int64),
        latency_ns=np.full(n, latency_ns, np.int64),
        prediction=[""] * n,
        score=np.ones(n),
        error=[None] * n,
    )


def watched(processes: NDArray[np.float64], past: PastSpreads | None = None) -> RatioWatch:
    """Ten rounds an execution that hardly differ; ``processes`` are logs, shape (setups, n)."""
    rng = np.random.default_rng(1)
    watch = RatioWatch(PLAN, past)
    for trial, logs in zip((BASELINE, OTHER), processes, strict=True):
        for index in range(10 * logs.size):
            cost = np.exp(logs[index // 10] + 0.002 * rng.standard_normal())
            done = Round(
                trial=trial, execution=index // 10, index=index, queries=4, start_ns=0,
                wall_s=1.0, cpu_s=float(cost), run_queue_wait_s=None, steal_s=None, energy=(),
                samples=SampleFile(path="", sha256="", queries=4),
            )  # fmt: skip
            watch.remember(done, a_block(round(1e7 * cost)))
    return watch


def test_rounds_that_agree_say_nothing_of_other_processes() -> None:
    watch = watched(np.zeros((2, 1)))
    assert watch.narrow([BASELINE, OTHER])
    assert not watch.known([BASELINE, OTHER])


def test_processes_that_agree_or_did_in_earlier_runs_make_the_ratio_known() -> None:
    assert watched(np.zeros((2, 5))).known([BASELINE, OTHER])
    steady = [PastSpread(between=0.005**2, rounds=0.0, degrees=20.0)]
    past = {figure: {"pytorch": steady, "jax": steady} for figure in ("latency", "cpu_time")}
    assert watched(np.zeros((2, 1)), past).known([BASELINE, OTHER])


def test_processes_that_differ_leave_it_unknown_however_many_rounds_they_have() -> None:
    processes = np.array([[0.0, 0.1, -0.1], [0.1, 0.0, -0.1]])
    assert not watched(processes).known([BASELINE, OTHER])


def test_without_a_baseline_nothing_is_to_be_known() -> None:
    watch = watched(np.zeros((2, 1)))
    assert watch.known([OTHER]) and watch.narrow([OTHER])
    assert watch.has(OTHER, 9) and not watch.has(OTHER, 10)
