"""Every option of run, loadtest and sweep arrives where it means something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from old_endpoint_run import old_endpoint_run
from synthetic_run import make_failed, make_run
from typer.testing import CliRunner, Result

from wattmark.cli.main import app
from wattmark.records import EndpointPlan, Plan
from wattmark.records.result import StopReason
from wattmark.workflows import endpoint_runs, kinds, run_reports, runs, serving_rates, sweeping

URL = "http://127.0.0.1:8000"


def wattmark(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[EndpointPlan]:
    """The loads that are run, none of which is."""
    asked: list[EndpointPlan] = []

    def run_endpoint(plan: EndpointPlan, **_: object) -> object:
        asked.append(plan)
        return old_endpoint_run(plan=plan)

    monkeypatch.setattr(endpoint_runs, "run_endpoint", run_endpoint)
    return asked


@pytest.fixture
def runs_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What `runs.run` is called with, which runs nothing."""
    asked: list[dict[str, Any]] = []

    def run(plan: Plan, **changes: Any) -> object:
        del changes["observe"]
        asked.append({"plan": plan, **changes})
        return make_run([])

    monkeypatch.setattr(runs, "run", run)
    monkeypatch.setattr(run_reports, "write_report", lambda run, path: path.write_text(run.id))
    monkeypatch.chdir(tmp_path)
    return asked


LOAD_OPTIONS: list[tuple[list[str], dict[str, object]]] = [
    (["--api", "oip-v2"], {"api": "oip-v2"}),
    (["--qps", "5.5"], {"rate_per_s": 5.5, "concurrency": None}),
    (["--concurrency", "8"], {"concurrency": 8, "rate_per_s": None}),
    (
        ["--qps", "5", "--arrivals", "constant"],
        {"rate_per_s": 5.0, "concurrency": None, "arrivals": "constant"},
    ),
    (["--requests", "31"], {"requests": 31}),
    (["--prompts", "asked.txt"], {"prompts": "asked.txt"}),
    (["--samples", "17"], {"samples": 17}),
    (["--max-tokens", "64"], {"max_tokens": 64}),
    (["--tokenizer", "t.json"], {"tokenizer": "t.json"}),
    (["--key-variable", "A_KEY"], {"key_variable": "A_KEY"}),
    (["--budget", "2m"], {"budget_s": 120.0}),
    (["--timeout", "250ms"], {"timeout_s": 0.25}),
    (["--slo", "p99<2s"], {"slo": "p99<2s"}),
    (["--meter", "a", "--meter", "b"], {"meters": ("a", "b")}),
]


@pytest.mark.parametrize(("options", "fields"), LOAD_OPTIONS, ids=lambda o: " ".join(map(str, o)))
@pytest.mark.parametrize(
    "verb",
    [["loadtest", URL], ["run", "--endpoint", URL], ["run", f"--endpoint={URL}"]],
    ids=["loadtest", "run", "run="],
)
def test_an_option_of_a_load_arrives(loads, verb, options, fields) -> None:
    done = wattmark(*verb, "--model", "good", *options)
    assert done.exit_code == 0, done.output
    (plan,) = loads
    untouched = EndpointPlan(url=URL, model="good", api="openai", concurrency=1)
    assert plan == untouched.model_copy(update=fields)


def test_the_url_may_stand_last(loads) -> None:
    assert wattmark("run", "--model", "good", "--endpoint", URL).exit_code == 0
    assert loads[0].url == URL


@pytest.mark.parametrize(
    ("options", "fields"),
    [pair for pair in LOAD_OPTIONS if pair[0][0] not in ("--qps", "--tokenizer", "--timeout")],
    ids=lambda o: " ".join(map(str, o)),
)
def test_an_option_of_a_sweep_of_loads_arrives(loads, options, fields) -> None:
    every = [] if "concurrency" in fields else ["--concurrency", "1,3"]
    done = wattmark("sweep", "--endpoint", URL, "--model", "good", *every, *options)
    assert done.exit_code in (0, 1), done.output
    clients = [fields.get("concurrency")] if "concurrency" in fields else [1, 3]
    untouched = EndpointPlan(url=URL, model="good", api="openai", concurrency=1)
    assert loads == [
        untouched.model_copy(update=fields | {"concurrency": number}) for number in clients
    ]


def test_rates_of_a_sweep_arrive(loads) -> None:
    wattmark("sweep", "--endpoint", URL, "--model", "good", "--qps", "2,4.5")
    assert [plan.rate_per_s for plan in loads] == [2.0, 4.5]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["run", "--concurrency", "2"], "--concurrency goes with --endpoint URL"),
        (["run", "--endpoint", URL, "--model", "m", "--fast"], "no --fast"),
        (["run", "plan.yaml", "--endpoint", URL, "--model", "m"], "unexpected extra argument"),
        (["run", "--endpoint"], "requires an argument"),
        (["loadtest", URL], "--model"),
        (["sweep", "--requests", "2"], "--requests goes with --endpoint URL"),
        (["sweep", "--qps", "1,2"], "goes with --endpoint URL"),
        (["sweep", "--policy", "none", "--slo", "p99<1s", "--qps", "3"], "--qps auto"),
        (["sweep", "--endpoint", URL, "--model", "m"], "--concurrency 1,2,4"),
        (["sweep", "--endpoint", URL, "--model", "m", "--batch", "2"], "no --batch"),
        (["sweep", "--policy", "none"], "needs --slo"),
        (["run", "--resume", "latest", "--fast"], "give no other option"),
        (["run", "--resume", "latest", "--budget", "3s"], "give no other option"),
        (["run", "--only", "x"], "picks plans of a suite"),
    ],
    ids=lambda text: text if isinstance(text, str) else " ".join(text),
)
def test_an_option_in_the_wrong_place_is_told(loads, runs_asked, line, told: str) -> None:
    done = wattmark(*line)
    assert done.exit_code == 2
    assert told in " ".join(done.output.replace("│", " ").split())
    assert not loads and not runs_asked


RUN_OPTIONS: list[tuple[list[str], dict[str, object]]] = [
    (["--fast"], {"fast": True}),
    (["--samples", "12"], {"samples": 12}),
    (["--budget", "4m"], {"budget_s": 240.0}),
    (["--model", "other"], {"model": "other"}),
    (["--data", "imdb", "--data", "yelp"], {"data": ["imdb", "yelp"]}),
    (["--cost-only"], {"cost_only": True}),
    (["--reasoning-tokens", "free"], {"options": {"tokens": "free"}}),
    (["--scenario", "server"], {"scenario": "server"}),
    (["--qps", "20"], {"mlperf": {"target_qps": 20.0}}),
    (["--target-latency", "50ms"], {"mlperf": {"target_latency_ms": 50.0}}),
    (["--strict"], {"mlperf": {"strict": True}}),
    (["--meter", "rapl"], {"meters": ["rapl"]}),
]
UNTOUCHED = {
    "fast": False,
    "samples": None,
    "budget_s": None,
    "model": None,
    "data": None,
    "cost_only": None,
    "options": None,
    "scenario": None,
    "mlperf": {},
    "meters": None,
}


@pytest.mark.parametrize(("options", "changes"), RUN_OPTIONS, ids=lambda o: " ".join(map(str, o)))
def test_an_option_of_run_arrives(runs_asked, options, changes) -> None:
    done = wattmark("run", *options)
    assert done.exit_code == 0, done.output
    (asked,) = runs_asked
    assert asked.pop("plan").name == "quickstart"
    assert {key: asked[key] or UNTOUCHED[key] for key in UNTOUCHED} == UNTOUCHED | changes


def test_a_report_goes_where_it_is_said(runs_asked, tmp_path: Path) -> None:
    wattmark("run")
    wattmark("run", "--report", tmp_path / "mine.html")
    assert {path.name for path in tmp_path.glob("*.html")} == {"report.html", "mine.html"}


def test_what_is_printed_of_a_run(runs_asked) -> None:
    assert "Run: " in wattmark("run").stdout
    assert wattmark("run", "--quiet").stdout == ""
    assert wattmark("run", "--json").stdout.startswith('{\n "schema_version"')


def test_resume_finishes_the_run_that_is_named(runs_asked, monkeypatch, tmp_path: Path) -> None:
    named: list[str] = []

    def resume(name: str, observe: Callable[..., None]) -> object:
        named.append(name)
        return make_run([make_failed("jax/jit/fp32")], stop_reason=StopReason.INTERRUPTED)

    monkeypatch.setattr(runs, "resume", resume)
    done = wattmark("run", "--resume", "2026", "--report", tmp_path / "mine.html")
    assert named == ["2026"] and not runs_asked
    assert done.exit_code == 130
    assert (tmp_path / "mine.html").exists()


class _Swept(Exception):
    """A sweep that was asked for, and is not run."""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], {"batches": sweeping.BATCHES, "slo": None, "budget_s": sweeping.BUDGET_S}),
        (["--batch", "1,4"], {"batches": [1, 4]}),
        (["--slo", "p99<50ms"], {"slo": "p99<50ms"}),
        (["--budget", "7s"], {"budget_s": 7.0}),
    ],
    ids=str,
)
def test_an_option_of_a_sweep_of_batches_arrives(monkeypatch, options, said) -> None:
    asked: dict[str, Any] = {}

    def sweep(plan: Plan, **how: Any) -> None:
        asked.update(how, plan=plan)
        raise _Swept

    monkeypatch.setattr(sweeping, "sweep", sweep)
    line = ["sweep", *options, "--only", "jax/jit/fp32", "--samples", "30", "--meter", "rapl"]
    assert isinstance(wattmark(*line).exception, _Swept)
    assert {key: asked[key] for key in said} == said
    plan = asked["plan"]
    assert [setup.label for setup in plan.setups] == ["jax/jit/fp32"]
    assert (plan.samples, plan.meters) == (30, ("rapl",))


def test_the_options_of_policies_arrive(monkeypatch) -> None:
    asked: dict[str, Any] = {}

    def serving(plan: Plan, **how: Any) -> None:
        asked.update(how)
        raise _Swept

    monkeypatch.setattr(serving_rates, "serving_rates", serving)
    line = ["sweep", "--policy", "none,dynamic", "--slo", "p99<1s", "--qps", "auto"]
    wattmark(*line, "--batch", "4", "--max-wait", "8ms", "--budget", "3s")
    del asked["observe"]
    assert asked == {
        "slo": "p99<1s",
        "policies": ["none", "dynamic"],
        "batch": 4,
        "max_wait_ms": 8.0,
        "test_s": 3.0,
    }


@pytest.mark.parametrize("verb", ["advise", "impact", "export", "pareto"])
def test_a_verb_of_plans_names_the_kind_of_another_run(verb: str) -> None:
    run = old_endpoint_run()
    kinds.ENDPOINT.kept.save(run)
    done = wattmark(verb, run.id)
    assert "is a load of a server, and this takes runs of plans" in str(done.exception)


@pytest.mark.parametrize("format_", ["html", "md", "csv", "json"])
def test_a_load_that_is_listed_has_a_report(tmp_path: Path, format_: str) -> None:
    run = old_endpoint_run()
    kinds.ENDPOINT.kept.save(run)
    assert run.id in wattmark("list", "runs").stdout
    written = tmp_path / "report"
    done = wattmark("report", "latest", "--format", format_, "-o", written)
    assert done.exit_code == 0, done.output
    assert written.read_text() == kinds.report(run, format_)
