"""What is written of each trial of a run: counts, flags, and figures of its counted rounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rounds_with_samples import Right, a_round, samples, window
from synthetic_run import BASELINE, make_result, make_run, make_setup

from wattmark.conduct.recorder import Recorded, Samples
from wattmark.quantities import Quantity, Reason
from wattmark.records import Failure, ModelInfo, Plan, Result, Trial
from wattmark.records.loadgen import LoadgenTest
from wattmark.results import summary
from wattmark.results.summary import summarise
from wattmark.statistics import pooled_rate

OTHER, STATIC = "jax/jit/fp32", "openvino/cpu/int8-static"
PLAN = Plan.model_validate(
    {"name": "p", "task": "t", "model": "m", "setups": [BASELINE, OTHER, STATIC]}
)


@pytest.fixture(autouse=True)
def task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary.registry, "task", lambda name: Right())


def a_trial(label: str) -> Trial:
    return Trial(task="t", model="m", model_digest="", setup=make_setup(label), scenario="s")


def block(first: int = 0, **changes: Any) -> Samples:
    """Four queries from the first one on, of which the second is answered wrongly."""
    text = [str(n) for n in range(first, first + 4)]
    text[1] = "?"
    fields = {
        "query": np.arange(first, first + 4, dtype=np.int32),
        "prediction": text,
        "score": np.array([1.0, 0.0, 1.0, 1.0]),
    }
    return samples([1.0, 2.0, 3.0, 4.0], **fields | changes)


def summed_up(
    tmp_path: Path,
    *rounds: dict[str, Any],
    blocks: Sequence[Samples] = (),
    flops: bool = True,
    on_measured: bool = False,
    trials: Sequence[str] = (BASELINE,),
    **recorded: Any,
) -> tuple[tuple[Result, ...], ModelInfo]:
    made = [
        a_round(n, 4).model_copy(update={"trial": BASELINE, **changes})
        for n, changes in enumerate(rounds)
    ]
    held = dict(enumerate(blocks)) or {n: block() for n in range(len(made))}
    said = Recorded(rounds=made, **recorded)
    recorder: Any = SimpleNamespace(
        recorded=lambda: said, load_samples=lambda file: held[int(file.path)]
    )
    material: Any = SimpleNamespace(
        model=make_run([]).model,
        examples=[SimpleNamespace(label=str(n)) for n in range(8)],
        queries=[{"x": np.full(1, n)} for n in range(8)],
        calibrated_on_measured=on_measured,
        held_out=[],
    )
    facts = tmp_path / "facts"
    facts.mkdir(exist_ok=True)
    if flops:
        (facts / "facts.json").write_text(json.dumps({"flops_per_query": 5e9, "parameters": 77}))
    every = [a_trial(label) for label in trials]
    return summarise(
        PLAN, every, material, recorder, {t.id: facts for t in every}, tmp_path / "cache"
    )


ENERGY = (window(8.0),)


def execution(*, steady: bool = True, trial: str = BASELINE) -> Any:
    (made, _) = make_result(trial, 1.0, 1.0, 842).executions
    return made.model_copy(update={"steady": steady})


def test_counts_and_rates_are_of_the_counted_rounds(tmp_path: Path) -> None:
    (result,), model = summed_up(
        tmp_path,
        {"wall_s": 2.0, "cpu_s": 0.5, "failed_queries": 1, "instruments_s": 0.25, "energy": ENERGY},
        {"wall_s": 4.0, "cpu_s": 1.5, "instruments_s": 0.5, "energy": ENERGY},
        {"superseded": True},
        {"trial": OTHER},
        executions=[execution(), execution(trial=OTHER)],
    )

    assert (result.status, result.queries, result.failed_queries, result.rounds) == ("ok", 8, 1, 2)
    assert [file.path for file in result.samples] == ["0", "1"]
    assert [e.trial for e in result.executions] == [BASELINE]
    assert result.throughput == pooled_rate([3, 4], [2.0, 4.0], "query/s")
    assert result.cpu_time_per_query == pooled_rate([500.0, 1500.0], [4, 4], "ms/query")
    assert result.latency is not None
    assert result.latency.mean == pooled_rate([10.0, 10.0], [4, 4], "ms")
    assert result.instruments_share == Quantity.exact(0.75 / 6.0, "1")
    assert result.flops_per_query == Quantity.exact(5e9, "FLOP/query")
    assert model.parameters == 77
    assert result.energy[0].per_query.value == pytest.approx(2.0)
    assert result.energy[0].per_correct.value == pytest.approx(2.0 / 0.75)
    one = Quantity.exact(1.0, "1")
    assert result.ratios is not None
    assert result.ratios.latency == result.energy_relative == one
    assert (result.latency_bound, result.time_to_first_token, result.phases) == (None, None, ())
    assert result.flags == ("failed_queries",)


def test_what_is_not_known_is_missing_for_a_reason(tmp_path: Path) -> None:
    (result,), model = summed_up(tmp_path, {"instruments_s": 1.0}, {}, flops=False)

    assert result.flops_per_query is not None
    assert result.flops_per_query.reason is Reason.NOT_MEASURED
    assert result.instruments_share is not None
    assert result.instruments_share.reason is Reason.NOT_MEASURED
    assert model.parameters == make_run([]).model.parameters
    assert result.flags == ()


def a_test(**changes: Any) -> LoadgenTest:
    fields = {
        "scenario": "server", "mode": "performance", "version": "5", "duration_s": 1.0,
        "samples": 4, "valid": True,
    }  # fmt: skip
    return LoadgenTest.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("round_", "flag"),
    [
        ({"contended": True}, "contended"),
        ({"failed_queries": 2}, "failed_queries"),
        ({"loadgen": a_test(valid=False)}, "loadgen_invalid"),
        ({"loadgen": a_test(generator_saturated=True)}, "generator_saturated"),
        ({"loadgen": a_test(not_compliant=("too short",))}, "not_mlperf_compliant"),
        ({"loadgen": a_test()}, ""),
        ({"loadgen": a_test(valid=None)}, ""),
        (
            {"energy": (window(1.0).model_copy(update={"flags": (Reason.TRACE_GAP,)}),)},
            "trace_gap",
        ),
    ],
    ids=str,
)
def test_one_round_is_enough_for_a_flag(tmp_path: Path, round_: dict[str, Any], flag: str) -> None:
    (result,), _ = summed_up(tmp_path, {"energy": ENERGY}, {"energy": ENERGY} | round_)
    assert result.flags == ((flag,) if flag else ())
    assert len(result.loadgen) == ("loadgen" in round_)


@pytest.mark.parametrize("steady", [True, False])
def test_one_execution_that_was_not_steady_is_told(tmp_path: Path, steady: bool) -> None:
    executions = [execution(), execution(steady=steady)]
    (result,), _ = summed_up(tmp_path, {"energy": ENERGY}, executions=executions)
    assert result.flags == (() if steady else ("not_steady",))


@pytest.mark.parametrize("on_measured", [True, False])
def test_what_was_calibrated_on_its_own_queries_is_told(tmp_path: Path, on_measured: bool) -> None:
    first, second = summed_up(
        tmp_path,
        {"energy": ENERGY},
        {"energy": ENERGY, "trial": STATIC},
        trials=[BASELINE, STATIC],
        on_measured=on_measured,
    )[0]
    assert first.flags == ()
    assert second.flags == (("calibrated_on_measured",) if on_measured else ())


def test_a_trial_that_failed_or_never_began_has_no_figure(tmp_path: Path) -> None:
    died = Failure(stage="load", reason="killed", message="it died")
    first, second, third = summed_up(
        tmp_path,
        {"energy": ENERGY},
        {"trial": OTHER, "failed_queries": 1},
        trials=[BASELINE, OTHER, STATIC],
        failures={OTHER: died},
    )[0]
    assert first.failure is None and first.quality is not None
    assert (second.status, second.failure, second.queries) == ("failed", died, 4)
    assert third.failure is not None
    assert (third.failure.stage, third.failure.reason) == ("round", "interrupted")
    for result in (second, third):
        assert (result.latency, result.quality, result.ratios, result.energy) == (
            None,
            None,
            None,
            (),
        )


def test_ratios_are_to_the_baseline_of_the_plan(tmp_path: Path) -> None:
    twice = (window(16.0),)
    first, second = summed_up(
        tmp_path,
        *({"energy": ENERGY, "index": n} for n in range(3)),
        *({"energy": twice, "index": n, "trial": OTHER} for n in range(3)),
        trials=[BASELINE, OTHER],
    )[0]
    assert first.ratios is not None and second.ratios is not None
    assert second.ratios.energy == second.energy_relative
    assert second.energy_relative is not None
    assert second.energy_relative.value == pytest.approx(2.0)
    assert first.energy_relative == Quantity.exact(1.0, "1")


def test_quality_takes_answers_of_earlier_runs_and_says_how_many(tmp_path: Path) -> None:
    preparation = make_result(BASELINE, 1.0, 1.0, 842).preparation
    assert preparation is not None
    prepared = {"preparations": {BASELINE: preparation}}
    (alone,), _ = summed_up(tmp_path, {}, blocks=[block(first=4)], **prepared)
    (result,), _ = summed_up(tmp_path, {}, **prepared)

    assert alone.quality is not None and result.quality is not None
    assert (alone.quality.queries, alone.quality.reused) == (4, 0)
    assert (result.quality.queries, result.quality.reused) == (8, 4)
    assert result.quality.value.value == pytest.approx(6 / 8)
    assert result.preparation == preparation
    (unprepared,), _ = summed_up(tmp_path, {})
    assert unprepared.quality is not None and unprepared.quality.reused == 0


def test_rounds_without_an_answer_have_no_latency(tmp_path: Path) -> None:
    silent = block(error=["no"] * 4)
    (result,), _ = summed_up(
        tmp_path, {}, {"failed_queries": 4}, {}, blocks=[block(), silent, block()]
    )
    assert result.latency is not None
    assert result.latency.mean == pooled_rate([10.0, 10.0], [4, 4], "ms")
