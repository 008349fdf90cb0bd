"""What cannot be true is refused; what is odd is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from boards import a_run, with_model
from synthetic_run import BASELINE

from wattmark.board.intake.plausibility import findings
from wattmark.quantities import Quantity
from wattmark.records import Result, Run, StopReason

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def codes(run: Run, severity: str) -> set[str]:
    return {f.code for f in findings(run, NOW) if f.severity == severity}


def with_first(change: dict[str, Any]) -> Run:
    run = a_run()
    results = list(run.results)
    results[0] = results[0].model_copy(update=change)
    return run.model_copy(update={"results": tuple(results)})


def test_an_honest_run_is_only_unsigned() -> None:
    assert {f.code for f in findings(a_run(), NOW)} == {"unsigned"}


@pytest.mark.parametrize("when", ["2027-01-01T00:00:00+00:00", "2026-01-01T00:00:00", "soon"])
def test_a_run_of_tomorrow_or_of_no_time_is_refused(when: str) -> None:
    assert codes(a_run(created_at=when), "error") == {"created_at"}


def test_a_run_without_results_is_refused() -> None:
    assert "no_result" in codes(a_run(results=()), "error")


def test_a_result_of_another_model_is_refused() -> None:
    run = a_run()
    other = with_model(run, "another")
    mixed = run.model_copy(update={"results": (*run.results[1:], other.results[0])})
    assert codes(mixed, "error") == {"other_trial"}


def test_a_setup_that_is_there_twice_is_refused() -> None:
    run = a_run()
    twice = run.model_copy(update={"results": (*run.results, run.results[0])})
    assert codes(twice, "error") == {"same_setup_twice"}


def energy(joules: float, width: float = 0.5) -> dict[str, Any]:
    first = a_run().results[0].energy[0]
    per_query = Quantity.between(
        joules, joules * (1 - width), joules * (1 + width), "J/query", grade=first.per_query.grade
    )
    thousand = per_query.to("Wh/kquery")
    return {
        "energy": (first.model_copy(update={"per_query": per_query, "per_1000_queries": thousand}),)
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (energy(-1.0, -0.5), "energy"),
        (energy(1e9), "power"),
        (energy(1e-9), "power"),
        (energy(0.2, 0.0), "energy_interval"),
        ({"failed_queries": 2000}, "queries"),
        ({"queries": 0}, "queries"),
        ({"flops_per_query": Quantity.exact(1e20, "FLOP/query")}, "efficiency"),
    ],
    ids=["negative", "too much", "too little", "no width", "failed", "none", "flops"],
)
def test_figures_that_no_machine_gives_are_refused(change: dict[str, Any], code: str) -> None:
    assert code in codes(with_first(change), "error")


@pytest.mark.parametrize("bounds", [(1.0, 0.9, 1.1), (0.2, 0.2, 0.2), (0.2, 0.0, 0.3)])
def test_an_interval_for_comparisons_is_that_of_the_energy(
    bounds: tuple[float, float, float],
) -> None:
    (first,) = a_run().results[0].energy
    assert first.comparable is not None
    assert "comparable" not in codes(a_run(), "error")
    its = Quantity.between(*bounds, "J/query")
    changed = first.comparable.model_copy(update={"energy": its})
    wrong = {"energy": (first.model_copy(update={"comparable": changed}),)}
    assert codes(with_first(wrong), "error") == {"comparable"}


def test_sums_that_disagree_are_refused() -> None:
    first = a_run().results[0].energy[0]
    thousand = first.per_1000_queries * 2.0
    changed = first.model_copy(update={"per_1000_queries": thousand})
    assert codes(with_first({"energy": (changed,)}), "error") == {"energy_sums"}


def test_percentiles_out_of_order_are_refused() -> None:
    latency = a_run().results[0].latency
    assert latency is not None
    turned = latency.model_copy(update={"p50": latency.p99, "p99": latency.p50})
    assert codes(with_first({"latency": turned}), "error") == {"latency"}


def few(result: Result) -> dict[str, Any]:
    return {"queries": 12, "flags": ("contended",), "quality": None}


def test_what_is_odd_is_for_the_maintainer() -> None:
    run = with_first(few(a_run().results[0]))
    run = run.model_copy(update={"stop_reason": StopReason.INTERRUPTED})

    assert codes(run, "error") == set()
    assert codes(run, "warning") == {
        "unsigned",
        "interrupted",
        "few_queries",
        "flags",
        "no_quality",
    }
    assert {f.where for f in findings(run, NOW) if f.code == "flags"} == {BASELINE}
