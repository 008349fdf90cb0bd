"""Setups and plans: labels, what is read from them, and both sides of what they allow."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from wattmark.records import Plan, Precision, Setup
from wattmark.records.loadgen import LoadgenSettings
from wattmark.records.plan import parse_setup


def setup(text: str) -> Setup:
    return Setup.model_validate(parse_setup(text))


@pytest.mark.parametrize(
    "label",
    [
        "jax/jit/fp32",
        "jax/jit/fp32/cuda",
        "jax/jit/bf16/t4/b2",
        "jax/jit/fp32/cuda/t1/b8/w2.5/sampler=ddim/tokens=64",
        "jax/jit/fp32/b2/w0",
    ],
)
def test_a_label_is_read_back_and_holds_all_that_is_not_usual(label: str) -> None:
    assert setup(label).label == label
    assert setup(f"{label}/zz=1").label == f"{label}/zz=1"


def test_what_is_usual_stays_out_of_a_label() -> None:
    assert setup("jax/jit/fp32/cpu/t0/b1").label == "jax/jit/fp32"
    assert Setup(framework="jax", mode="jit") == setup("jax/jit/fp32")
    assert parse_setup(7) == 7 and parse_setup({"a": 1}) == {"a": 1}


def test_every_part_of_a_setup_is_read() -> None:
    found = setup("jax/jit/int8-static/cuda/t3/b4/w10/b=2/a=1")
    assert (found.framework, found.mode, found.precision) == ("jax", "jit", Precision.INT8_STATIC)
    assert (found.device, found.threads, found.batch, found.max_wait_ms) == ("cuda", 3, 4, 10.0)
    assert found.options == (("a", "1"), ("b", "2"))
    more = found.with_options(a="9", c="3")
    assert more.options == (("a", "9"), ("b", "2"), ("c", "3"))
    assert more.batch == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jax/jit", "is not of the form framework/mode/precision"),
        ("jax/jit/fp32/t1/t2", "gives the threads twice"),
        ("jax/jit/fp32/cuda/rocm", "gives the device twice"),
        ("jax/jit/fp32/fp16", "'fp16' in .* is not understood"),
        ("jax/jit/fp32/t", "is not understood"),
        ("jax/jit/fp32/b1234567", "is not understood"),
        ("jax/jit/fp32/w1.2345", "is not understood"),
        ("jax/jit/fp32/a=1/a=2", "an option is given twice"),
        ("jax/jit/fp32/A=1", "A=1 is not of the form name=value"),
        ("jax/jit/fp32/b0", "greater than or equal to 1"),
        ("jax/jit/fp32/b4097", "less than or equal to 4096"),
        ("jax/jit/fp32/w60001", "less than or equal to 60000"),
    ],
)
def test_a_setup_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises((ValueError, ValidationError), match=said):
        setup(text)


def test_only_fp32_has_exact_weights_and_only_static_ones_are_calibrated() -> None:
    assert [p for p in Precision if p.exact_weights] == [Precision.FP32]
    assert [p for p in Precision if p.calibrated] == [Precision.INT8_STATIC]
    assert Precision("fp8-static").calibrated and not Precision("fp8").exact_weights
    for value in ("FP8", "8bit", "", 8):
        with pytest.raises(ValueError, match="is not a valid Precision"):
            Precision(value)


def plan(**changes: Any) -> Plan:
    good = {"name": "p", "task": "t", "model": "m", "setups": ["a/b/fp32", "a/c/fp32"]}
    return Plan.model_validate(good | changes)


def test_our_own_loop_repeats_more_than_loadgen() -> None:
    own = plan()
    assert (own.loadgen, own.rounds, own.executions) == (None, 10, 2)
    server = plan(scenario="server")
    assert (server.loadgen, server.rounds, server.executions) == (LoadgenSettings(), 3, 1)
    strict = plan(mlperf="strict")
    assert strict.loadgen is not None and strict.loadgen.strict
    assert (strict.rounds, strict.executions) == (3, 1)
    assert not LoadgenSettings().strict
    asked = plan(scenario="server", rounds=7, executions=2)
    assert (asked.rounds, asked.executions) == (7, 2)
    assert plan(mlperf={"min_queries": 7}).loadgen == LoadgenSettings(min_queries=7)


def test_the_first_setup_is_the_baseline_unless_said() -> None:
    assert plan().baseline_label == "a/b/fp32"
    assert plan(baseline="a/c/fp32").baseline_label == "a/c/fp32"
    optioned = plan(baseline="a/c/fp32").with_options(tokens="8")
    assert optioned.baseline_label == "a/c/fp32/tokens=8"
    assert [s.label for s in optioned.setups] == ["a/b/fp32/tokens=8", "a/c/fp32/tokens=8"]
    assert plan().with_options(tokens="8").baseline is None


def test_a_fast_plan_takes_less_and_never_more() -> None:
    fast = plan().fast()
    assert (fast.executions, fast.ratio_width, fast.complete_pass) == (1, 0.10, False)
    assert (fast.budget_s, plan().budget_s, plan().complete_pass) == (90.0, 240.0, True)
    already = plan(ratio_width=0.2, budget_s=30.0).fast()
    assert (already.ratio_width, already.budget_s) == (0.2, 30.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"setups": ["a/b/fp32", "a/b/fp32"]}, "setups listed twice: a/b/fp32"),
        ({"baseline": "x/y/fp32"}, "the baseline x/y/fp32 is not among the setups"),
        ({"setups": ["a/b/fp32/b2/w5"]}, "needs the scenario server: a/b/fp32/b2/w5"),
        ({"setups": ["a/b/fp32/w5"], "scenario": "server"}, "needs a batch: a/b/fp32/w5"),
        ({"rounds": 2, "executions": 3}, "executions must not exceed rounds"),
        ({"setups": []}, "setups"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        plan(**changes)


def test_the_ends_of_what_a_plan_allows() -> None:
    assert plan(rounds=3, executions=3).executions == 3
    waiting = plan(setups=["a/b/fp32/b2/w5", "a/b/fp32"], scenario="server")
    assert waiting.setups[0].max_wait_ms == 5.0
    assert plan(quality_gate=1.0).quality_gate == 1.0
    assert plan(quality_gate=0.0).quality_gate == 0.0


def test_plans_that_differ_have_other_digests() -> None:
    assert plan().digest == plan().digest != plan(seed=1).digest
