"""Each sentence must be true of the run that it was made from, whatever the numbers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_run import BASELINE, FAILED, make_failed, make_result, make_run

from wattmark.quantities import Quantity, Reason
from wattmark.records import Result, Run, StopReason
from wattmark.reports.conclusions import conclusions
from wattmark.reports.method import method

OTHERS = (
    "jax/jit/fp32",
    "openvino/cpu/int8-static",
    "onnxruntime/cpu/fp32",
    "pytorch/x/int8-static",
)


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


@st.composite
def runs(draw: st.DrawFn, energy: bool = True) -> Run:
    """A baseline and one to four others, some of which fail, with any ratio and any loss."""
    results: list[Result] = [make_result(BASELINE, 17.1, 1.0, 842, energy=energy)]
    for label in OTHERS[: draw(st.integers(1, len(OTHERS)))]:
        if draw(st.integers(0, 5)) == 0:
            results.append(make_failed(label))
            continue
        ratio = draw(st.floats(0.2, 3.0))
        spread = draw(st.floats(0.005, 0.2))
        right = draw(st.sampled_from([842, 840, 830, 850, 700]))
        results.append(make_result(label, 17.1 * ratio, ratio, right, spread=spread, energy=energy))
    return make_run(results)


def passing(run: Run) -> list[Result]:
    return [r for r in run.results if r.quality and r.quality.gate_passed]


def overlap(a: Quantity | None, b: Quantity | None) -> bool:
    assert a and b
    return a.bounds()[0] <= b.bounds()[2] and b.bounds()[0] <= a.bounds()[2]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(runs())
def test_named_setup_has_the_least_energy_and_the_stated_ratio(run: Run) -> None:
    first = conclusions(run)[0]
    best = min(passing(run), key=lambda r: r.energy_relative.bounds()[1])  # type: ignore[union-attr]
    if len(passing(run)) == 1:
        assert first.startswith(f"{best.id} is the only setup that passes")
    else:
        assert f"Of the {len(passing(run))} setups" in first
        assert f"{best.id} has the least energy per query" in first
    assert best.ratios is not None
    if best.id == BASELINE:
        assert "is itself the baseline" in first
        return
    stated = re.search(r": (\S+ \[[^\]]+\]) % less than the baseline", first)
    assert stated
    low, value, high = best.ratios.energy.bounds()
    shown, shown_low, shown_high = numbers(stated[1])
    expected = [100 * (1 - x) for x in (value, high, low)]
    rounding = (high - low) * 5  # two significant digits of the half-width, in percent
    assert [shown, shown_low, shown_high] == pytest.approx(expected, abs=rounding)
    assert ("includes no difference" in first) == (low <= 1 <= high)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(runs())
def test_apart_is_said_only_where_no_interval_overlaps(run: Run) -> None:
    first = conclusions(run)[0]
    ranked = sorted(passing(run), key=lambda r: r.energy_relative.bounds()[1])  # type: ignore[union-attr]
    best, *others = ranked
    close = [r.id for r in others if overlap(best.energy_relative, r.energy_relative)]
    if not others:
        return
    assert ("lies apart from that of the runner-up" in first) == (not close)
    if close:
        named = first.split("its interval overlaps", 1)[1]
        assert all(label in named for label in close)
        assert not any(r.id in named for r in others if r.id not in close)
    else:
        assert first.endswith(f"the runner-up, {others[0].id}.")


@settings(derandomize=True, deadline=None, max_examples=150)
@given(runs())
def test_quality_sentence_puts_every_setup_where_it_belongs(run: Run) -> None:
    second = conclusions(run)[1]
    parts = {
        "lower": re.search(r"is lower, by more than its interval, in ([^;]+)", second),
        "higher": re.search(r"is higher, by more than its interval, in ([^;]+)", second),
        "within": re.search(r"differs by no more than its interval in ([^;]+)", second),
        "equal": re.search(r"equals that of the baseline \S+ in ([^;]+)", second),
    }
    others = [r for r in run.results if r.quality and r.id != BASELINE]
    for result in others:
        assert result.quality is not None
        low, value, high = result.quality.of_reference.bounds()
        kind = "equal" if value == 1 else "lower" if high < 1 else "higher" if low > 1 else "within"
        found = parts.pop(kind, None) if kind == "equal" else parts[kind]
        if kind == "equal":
            parts[kind] = found
            assert found
            assert result.id in found[1] or "every other setup" in found[1]
        else:
            assert found
            assert result.id in found[1]
            assert not any(result.id in p[1] for k, p in parts.items() if p and k != kind)
    missed = [r.id for r in others if r.quality and not r.quality.gate_passed]
    assert all(label in second.rsplit("; ", 1)[1] for label in missed)
    assert bool(missed) == ("the quality gate of 99 %." in second and "all pass" not in second)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(runs())
def test_trust_sentence_states_the_widest_uncertainty_and_the_failures(run: Run) -> None:
    third = conclusions(run)[2]
    assert third.startswith("Energy is modelled, not measured by an instrument")
    assert "may be 0.40 to 2.5 times the one shown" in third
    failed = [r.id for r in run.results if r.failure]
    if failed:
        assert f"{len(failed)} of {len(run.results)} trials failed" in third
        assert all(label in third for label in failed)
    else:
        assert "no trial failed" in third
    arms = [
        (high - value) / value
        for r in run.results
        if r.ratios and r.id != BASELINE
        for _, value, high in [r.ratios.energy.bounds()]
    ]
    stated = re.search(r"hold to ±(\S+) %", third)
    assert bool(stated) == bool(arms)
    if stated:
        assert float(stated[1]) == pytest.approx(100 * max(arms), rel=0.06)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(runs(energy=False))
def test_without_energy_it_speaks_about_time(run: Run) -> None:
    first, _, third = conclusions(run)
    fastest = min(passing(run), key=lambda r: r.latency.p50.bounds()[1])  # type: ignore[union-attr]
    assert first.startswith("No energy is known (no_meter), so this speaks about time: ")
    assert fastest.id in first
    assert third.startswith("Energy is not known for any setup (no_meter)")


def test_all_failed() -> None:
    sentences = conclusions(make_run([make_failed(BASELINE), make_failed(FAILED)]))
    assert "all of its 2 trials failed" in sentences[0]
    assert "2 of 2 trials failed: pytorch/eager/fp32 (killed) and" in sentences[2]


def test_baseline_without_result() -> None:
    absent = Quantity.missing("1", Reason.NO_BASELINE)
    other = make_result("jax/jit/fp32", 12.0, 0.7, 842, ratios=None, energy_relative=None)
    quality = other.quality
    assert quality is not None
    ungated = quality.model_copy(update={"of_reference": absent, "gate_passed": None})
    run = make_run([make_failed(BASELINE), other.model_copy(update={"quality": ungated})])
    first, second, third = conclusions(run)
    assert "the baseline pytorch/eager/fp32 gave no result to compare it with" in first
    assert "the only setup that gave a result" in first
    assert "quality gate" not in first
    assert second.startswith("Accuracy of jax/jit/fp32 is 84.2") or "no loss" in second
    assert "1 of 2 trials failed" in third


def test_a_plan_for_cost_only_says_that_quality_was_not_measured() -> None:
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842)])
    asked = run.model_copy(update={"plan": run.plan.model_copy(update={"cost_only": True})})
    assert "not measured: the plan asked for cost only" in conclusions(asked)[1]
    assert "no answer was scored" in dict(method(asked))["Quality"]
    assert "those whose quality is scored" not in dict(method(asked))["Paired rounds"]


def test_single_setup() -> None:
    first, second, _ = conclusions(make_run([make_result(BASELINE, 17.1, 1.0, 842)]))
    assert "is the only setup that passes the quality gate (0.20 [0.08, 0.50] J/query" in first
    assert "nothing was run beside it" in second


def test_nothing_passes_the_gate() -> None:
    worse = make_result("jax/jit/fp32", 12.0, 0.7, 500)
    first, second, _ = conclusions(make_run([make_failed(BASELINE), worse]))
    assert first == "No setup passes the quality gate, so none is recommended."
    assert "jax/jit/fp32 misses the quality gate of 99 %" in second


def test_setup_without_energy_is_named_as_left_out() -> None:
    results = [
        make_result(BASELINE, 17.1, 1.0, 842),
        make_result("jax/jit/fp32", 12.0, 0.7, 842),
        make_result("openvino/cpu/fp32", 12.0, 0.7, 842, energy=False),
    ]
    assert "without that figure: openvino/cpu/fp32" in conclusions(make_run(results))[0]


def test_flags_and_an_early_end_are_told() -> None:
    flagged = make_result(BASELINE, 17.1, 1.0, 842, flags=("not_steady", "contended"))
    third = conclusions(make_run([flagged], stop_reason=StopReason.BUDGET))[2]
    assert f"flagged contended: {BASELINE}" in third
    assert f"flagged not steady: {BASELINE}" in third
    assert "the time budget ended the measuring" in third
