"""What earlier runs leave: how much processes of a framework differed, and how long ago."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattmark.results.past_spreads import PastRound, PastRun, past_spreads

SETUPS = ("pytorch/eager/fp32", "pytorch/compile/fp32", "jax/jit/fp32")


def a_run(rng: np.random.Generator, executions: int, created_at: str, series: str = "a") -> PastRun:
    """Four rounds an execution; PyTorch's processes differ by 10 %, JAX's by 1 %."""
    rounds = []
    for setup in SETUPS:
        spread = 0.10 if setup.startswith("pytorch") else 0.01
        for execution in range(executions):
            process = math.exp(spread * rng.standard_normal())
            for n in range(4):
                wall_s = 2.0 * process * math.exp(0.01 * rng.standard_normal())
                index = 4 * execution + n
                rounds.append(PastRound(setup, execution, index, 10, wall_s, wall_s / 2))
    return PastRun(created_at, series, rounds)


def test_each_framework_has_its_own_past_with_its_age() -> None:
    rng = np.random.default_rng(1)
    runs = [a_run(rng, 12, "2026-11-18T00:00:00+00:00", str(n)) for n in range(6)]

    found = past_spreads(runs, "2026-11-28T12:00:00+00:00")

    assert set(found) == {"latency", "cpu_time"}
    assert {name: len(its) for name, its in found["latency"].items()} == {"pytorch": 12, "jax": 6}
    (first, *_) = found["latency"]["pytorch"]
    assert first.age_days == pytest.approx(10.5)
    assert first.degrees == pytest.approx(11 * 2 / 3)
    restless, steady = (
        math.sqrt(np.mean([seen.between for seen in found["latency"][name]]))
        for name in ("pytorch", "jax")
    )
    assert restless == pytest.approx(0.10, rel=0.25)
    assert steady < 0.75 * restless
    assert found["cpu_time"]["jax"][0].between == pytest.approx(found["latency"]["jax"][0].between)


def test_runs_of_one_series_are_executions_of_one_another_even_where_each_had_one() -> None:
    rng = np.random.default_rng(2)
    runs = [a_run(rng, 1, f"2026-11-{day}T00:00:00Z") for day in (10, 11, 12)]

    found = past_spreads(runs, "2026-11-13T00:00:00")["latency"]

    assert sum(seen.degrees for its in found.values() for seen in its) == pytest.approx(2 * 2)
    assert found["jax"][0].age_days == pytest.approx(1.0)
    assert past_spreads(runs[:1], "2026-11-13T00:00:00Z")["latency"] == {}
    apart = [PastRun(run.created_at, str(n), run.rounds) for n, run in enumerate(runs)]
    assert past_spreads(apart, "2026-11-13T00:00:00Z")["latency"] == {}


def test_a_round_without_a_cost_is_left_out() -> None:
    run = a_run(np.random.default_rng(3), 2, "2026-11-10T00:00:00Z")
    broken = [PastRound(setup, 1, 8, 10, 0.0, 0.0) for setup in SETUPS]
    with_broken = PastRun(run.created_at, run.series, [*run.rounds, *broken])
    now = "2026-11-11T00:00:00Z"
    assert past_spreads([with_broken], now) == past_spreads([run], now)
    assert past_spreads([], now) == {"latency": {}, "cpu_time": {}}
