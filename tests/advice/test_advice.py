"""Advice comes from a run's own figures, and says when they do not decide."""

from __future__ import annotations

import pytest
from synthetic_run import BASELINE, make_failed, make_result, make_run

from wattmark.advice import Goal, advise, crossovers, precision_effects
from wattmark.advice.precision import Verdict
from wattmark.quantities import Quantity, Reason
from wattmark.records import Run

ORT = "onnxruntime/cpu"


@pytest.fixture
def run() -> Run:
    return make_run(
        [
            make_result(BASELINE, 17.1, 1.0, 842),
            make_result(f"{ORT}/fp32", 10.4, 0.61, 842),
            make_result(f"{ORT}/int8-dynamic", 6.3, 0.37, 839),
            make_result("openvino/cpu/int8-static", 5.0, 0.30, 800),
            make_failed("tensorflow/xla/fp32"),
        ]
    )


def test_the_least_energy_within_the_allowed_loss_is_advised(run: Run) -> None:
    advice = advise(run, Goal.MIN_ENERGY, max_loss=0.01)

    assert advice.best is not None and advice.best.id == f"{ORT}/int8-dynamic"
    assert advice.alike == ()
    assert "loses 5.0 %" in advice.refused["openvino/cpu/int8-static"]
    assert "failed in warm-up: killed" in advice.refused["tensorflow/xla/fp32"]


def test_a_larger_loss_admits_more(run: Run) -> None:
    assert advise(run, Goal.MIN_LATENCY, max_loss=0.06).best.id == "openvino/cpu/int8-static"  # type: ignore[union-attr]


def test_a_run_for_cost_only_is_advised_on_cost_alone(run: Run):
    unasked = Quantity.missing("1", Reason.NOT_ASKED)
    results = [
        r.model_copy(
            update={
                "quality": r.quality
                and r.quality.model_copy(
                    update={"value": unasked, "of_reference": unasked, "gate_passed": None}
                )
            }
        )
        for r in run.results
    ]
    plan = run.plan.model_copy(update={"cost_only": True})
    advice = advise(
        run.model_copy(update={"plan": plan, "results": tuple(results)}), Goal.MIN_ENERGY, 0.0
    )

    assert advice.best is not None and advice.best.id == "openvino/cpu/int8-static"
    assert list(advice.refused) == ["tensorflow/xla/fp32"]


def test_setups_that_cannot_be_told_apart_are_named() -> None:
    run = make_run(
        [
            make_result(BASELINE, 17.1, 1.0, 842),
            make_result(f"{ORT}/fp32", 10.4, 0.61, 842),
            make_result("jax/jit/fp32", 10.5, 0.62, 842),
        ]
    )

    assert advise(run, Goal.MIN_ENERGY, 0.01).alike == ("jax/jit/fp32",)


def test_where_nothing_has_a_figure_nothing_is_advised() -> None:
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842, energy=False)])

    advice = advise(run, Goal.MIN_ENERGY, 0.01)

    assert advice.best is None
    assert "no_meter" in advice.refused[BASELINE]


def test_a_precision_is_set_beside_fp32_of_the_same_framework(run: Run) -> None:
    (effect,) = precision_effects(run)

    assert (effect.result.id, effect.fp32.id) == (f"{ORT}/int8-dynamic", f"{ORT}/fp32")
    low, value, high = effect.energy.bounds()
    assert value == pytest.approx(0.37 / 0.61)
    assert low < value < high < 1
    assert effect.verdict is Verdict.SAVES


def batch_run(*energies: tuple[int, float, float]) -> Run:
    results = [make_result(BASELINE, 17.1, 1.0, 842)]
    for batch, fp32, int8 in energies:
        suffix = f"/b{batch}" if batch > 1 else ""
        results.append(make_result(f"{ORT}/fp32{suffix}", 10, fp32, 842))
        results.append(make_result(f"{ORT}/int8-dynamic{suffix}", 10, int8, 839))
    return make_run(results)


def test_the_crossover_lies_where_the_verdict_turns() -> None:
    (crossover,) = crossovers(precision_effects(batch_run((8, 0.5, 0.7), (1, 0.8, 0.4))))

    assert (crossover.saves, crossover.costs) == ((1,), (8,))
    assert crossover.sentence() == "from 1 to 8 it turns from saves to costs"


@pytest.mark.parametrize(
    ("energies", "sentence"),
    [
        ([(1, 0.8, 0.4), (8, 0.6, 0.3)], "saves energy at every batch measured (1, 8)"),
        ([(1, 0.4, 0.8), (8, 0.3, 0.6)], "costs energy at every batch measured (1, 8)"),
        ([(1, 0.4, 0.4), (8, 0.3, 0.3)], "cannot be told apart from FP32 at any batch (1, 8)"),
        ([(4, 0.8, 0.4)], "measured at batch 4 only: saves"),
    ],
)
def test_a_crossover_claims_only_what_was_measured(
    energies: list[tuple[int, float, float]], sentence: str
) -> None:
    (crossover,) = crossovers(precision_effects(batch_run(*energies)))

    assert crossover.sentence() == sentence
