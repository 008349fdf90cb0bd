"""What a batching policy sustains, on a simulated server."""

from __future__ import annotations

import json

import pytest
from synthetic_run import make_result, make_run
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.errors import InputError
from wattmark.quantities import Quantity
from wattmark.records import Failure, LatencyBound, LoadgenTest, Plan, Result, Run, StopReason
from wattmark.workflows import serving_rates

SETUP = "onnxruntime/cpu/fp32"
PLAN = Plan.model_validate(
    {
        "name": "rates",
        "task": "text-classification",
        "model": "minilm-l6-sentiment",
        "setups": [SETUP],
    }
)
#: Queries per second that each setup keeps up with within the bound.
LIMITS = {SETUP: 30.0, f"{SETUP}/b8": 60.0, f"{SETUP}/b8/w5": 80.0}


def answer(plan: Plan, **_: object) -> Run:
    """A run of a server that sustains its limit, and offline a quarter more."""
    (setup,) = plan.setups
    assert plan.mlperf is not None
    limit = LIMITS[setup.label] if plan.scenario == "server" else 0.0
    rate = plan.mlperf.target_qps or 0.0
    offline = 1.25 * max(limit for label, limit in LIMITS.items() if label.startswith(setup.label))
    share = 1.0 if rate <= limit else 0.9
    test = LoadgenTest(
        scenario=plan.scenario,
        mode="performance",
        version="6",
        duration_s=4.0,
        samples=80,
        valid=True,
        batch_sizes={8: 10},
        figures={
            "result_completed_samples_per_sec": rate or 1.0,
            "result_scheduled_samples_per_sec": rate or 1.0,
        },
    )
    bound = LatencyBound(
        limit_ms=plan.mlperf.target_latency_ms or 0.0,
        percentile=0.99,
        share=Quantity.exact(share, "1"),
        goodput=Quantity.exact(rate, "query/s"),
        verdict="undecided",
        more_queries=1,
    )
    throughput = Quantity.exact(offline, "query/s")
    result = make_result(
        setup.label, 10, 1.0, 842, throughput=throughput, latency_bound=bound, loadgen=(test,)
    )
    base = make_run([make_result(SETUP, 10, 1.0, 842)])
    return base.model_copy(update={"results": (result,)})


def test_every_policy_has_its_highest_rate(monkeypatch) -> None:
    monkeypatch.setattr("wattmark.workflows.runs.run", answer)
    found = serving_rates.serving_rates(
        PLAN, slo="p99<200ms", policies=("none", "static", "dynamic")
    )
    rates = {rate.label: rate.search.sustained for rate in found.rates if rate.search}
    assert rates.keys() == LIMITS.keys()
    for label, limit in LIMITS.items():
        assert 0.92 * limit < (rates[label] or 0.0) <= limit


def test_the_command_prints_policies_side_by_side(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("wattmark.workflows.runs.run", answer)
    (tmp_path / "plan.json").write_text(PLAN.model_dump_json())
    command = ["sweep", str(tmp_path / "plan.json"), "--policy", "static,dynamic"]
    done = CliRunner().invoke(app, [*command, "--slo", "p99<200ms"])
    assert done.exit_code == 0, done.output
    assert f"{SETUP}/b8/w5" in done.stdout and "dynamic" in done.stdout
    told = json.loads(CliRunner().invoke(app, [*command, "--slo", "p99<200ms", "--json"]).stdout)
    assert [row["policy"] for row in told["rates"]] == ["static", "dynamic"]


def test_what_fails_offline_has_no_rate(monkeypatch) -> None:
    def fails(plan: Plan, **_: object) -> Run:
        trial = make_result(plan.setups[0].label, 10, 1.0, 842).trial
        failure = Failure(stage="round", reason="out_of_memory", message="full")
        return make_run([Result(trial=trial, status="failed", failure=failure)])

    monkeypatch.setattr("wattmark.workflows.runs.run", fails)
    (rate,) = serving_rates.serving_rates(PLAN, slo="p99<1s", policies=("static",)).rates
    assert (rate.search, rate.failure) == (None, "out_of_memory")


def test_ctrl_c_keeps_what_was_found(monkeypatch) -> None:
    seen: list[Plan] = []

    def stopped(plan: Plan, **_: object) -> Run:
        seen.append(plan)
        done = answer(plan)
        late = plan.setups[0].max_wait_ms is not None
        return done.model_copy(update={"stop_reason": StopReason.INTERRUPTED}) if late else done

    monkeypatch.setattr("wattmark.workflows.runs.run", stopped)
    found = serving_rates.serving_rates(PLAN, slo="p99<200ms")
    assert found.interrupted
    assert [rate.policy for rate in found.rates] == ["static"]


@pytest.mark.parametrize("slo", ["p90<1s", "ttft_p99<1s", "p99<1s,p90<1s"])
def test_an_objective_that_is_not_a_servers_is_refused(slo: str) -> None:
    with pytest.raises(InputError, match="one bound on p99"):
        serving_rates.serving_rates(PLAN, slo=slo)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(InputError, match="no batching policy 'clever'"):
        serving_rates.serving_rates(PLAN, slo="p99<1s", policies=("clever",))
