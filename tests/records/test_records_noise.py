"""Contention, too few rounds or a wide spread: no verdict, wherever one would be spoken."""

from __future__ import annotations

from typing import Any

import pytest
from synthetic_run import BASELINE, make_result, make_run

from wattmark.advice import Goal, advise
from wattmark.quantities import Grade, Quantity
from wattmark.records import Ratios, Run
from wattmark.records.noise import noise
from wattmark.reports.conclusions import conclusions
from wattmark.reports.overview import render_overview

OTHER, QUIET = "onnxruntime/cpu/fp32", "jax/jit/fp32"


def ratios(low: float, value: float, high: float, grade: Grade | None = None) -> Ratios:
    one = Quantity.between(value, low, high, "1")
    return Ratios(latency=one, cpu_time=one, energy=one.model_copy(update={"grade": grade}))


def a_run(*, baseline: dict[str, Any] | None = None, **changes: Any) -> Run:
    """A baseline and one setup, with changes of either."""
    base = make_result(BASELINE, 17.1, 1.0, 842).model_copy(update=baseline or {})
    other = make_result(OTHER, 10.0, 0.6, 842).model_copy(update=changes)
    return make_run([base, other])


UNDER_LOAD = {
    "ratios": ratios(0.007, 0.018, 0.046),
    "energy_relative": ratios(0.007, 0.018, 0.046).energy,
}
CONTENDED = {"flags": ("contended",), "contended_rounds": 3}


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (a_run(**UNDER_LOAD), "known only within a factor of 2.6"),
        (a_run(rounds=4), f"{OTHER} has 4 of at least 5 rounds"),
        (a_run(baseline={"rounds": 3}), f"{BASELINE} has 3 of at least 5 rounds"),
        (a_run(**CONTENDED), "other programs used the machine in 3 of 10 rounds"),
        (a_run(baseline=CONTENDED), f"3 of 10 rounds of {BASELINE}"),
    ],
)
def test_no_verdict_is_spoken_of_what_the_data_cannot_carry(run: Run, why: str) -> None:
    first, _, third = conclusions(run)
    assert first.startswith("Too noisy to conclude: ")
    assert why in first
    assert first.endswith("; close other programs and run again.")
    assert "less" not in first and "hold to" not in third
    assert "too noisy to conclude" in render_overview([run])
    advice = advise(run, Goal.MIN_ENERGY, 0.01)
    assert "too noisy to conclude" in advice.refused[OTHER]


@pytest.mark.parametrize(
    "run",
    [
        a_run(),
        a_run(rounds=5),
        a_run(rounds=0),  # a record from before rounds were counted
        a_run(ratios=ratios(0.41, 0.6, 0.89)),
        a_run(flags=("contended",), contended_rounds=2),
        a_run(flags=("contended",)),  # from before they were counted, and the ratio is narrow
    ],
)
def test_what_the_data_carry_is_said(run: Run) -> None:
    assert noise(run, run.results[1], "energy") == noise(run, run.results[1], "latency") == ""
    assert "less than the baseline" in conclusions(run)[0]
    assert "too noisy" not in render_overview([run])


def test_contended_rounds_of_unknown_number_refuse_a_wide_ratio() -> None:
    run = a_run(flags=("contended",), ratios=ratios(0.5, 0.6, 0.72))
    assert "other programs used the machine in rounds" in noise(run, run.results[1], "latency")


def test_the_interval_of_a_power_model_is_no_noise() -> None:
    ours = ratios(0.55, 0.6, 0.65, Grade.MODELLED)
    wide = Quantity.between(0.6, 0.2, 1.8, "1", grade=Grade.MODELLED)
    run = a_run(ratios=ours.model_copy(update={"energy": wide}))
    assert noise(run, run.results[1], "energy") == ""
    metered = wide.model_copy(update={"grade": Grade.METERED})
    run = a_run(ratios=ours.model_copy(update={"energy": metered}))
    assert "within a factor of 3" in noise(run, run.results[1], "energy")


def test_of_several_setups_the_noisy_ones_are_left_out_and_named() -> None:
    run = a_run(**UNDER_LOAD)
    quiet = make_result(QUIET, 12.0, 0.75, 842)
    first, _, third = conclusions(make_run([*run.results, quiet]))
    assert (
        f"Of the 2 setups that pass the quality gate and can be told from noise, {QUIET}" in first
    )
    assert f"of {OTHER}: too noisy to conclude: " in first
    assert f"ratios that are too noisy to conclude: {OTHER}" in third
    assert "hold to ±3.0 % or better" in third
