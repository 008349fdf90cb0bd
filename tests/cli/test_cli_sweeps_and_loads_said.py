"""What sweeps, loads and runs print, and what they return."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from old_endpoint_run import old_endpoint_run
from synthetic_run import BASELINE, MEASURED, make_failed, make_result, make_run
from typer.testing import CliRunner, Result

from wattmark.advice.rate_search import RateSearch
from wattmark.advice.sweep_points import SweepPoint
from wattmark.cli.main import app
from wattmark.errors import PlanError
from wattmark.records import Result as TrialResult
from wattmark.records import Run, Suite
from wattmark.records.loadgen import LoadgenTest
from wattmark.records.result import StopReason
from wattmark.records.slo import parse_slo
from wattmark.workflows import endpoint_runs, run_reports, runs, serving_rates, sweeping
from wattmark.workflows.serving_rates import PolicyRate, ServingRates
from wattmark.workflows.sweeping import Sweep

URL = "http://127.0.0.1:8000"
LEAN = "openvino/cpu/fp32"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wattmark(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def point(label: str, batch: int, result: TrialResult | None = None) -> SweepPoint:
    return SweepPoint(label, batch, f"run-{batch}", result or make_result(label, *MEASURED[label]))


POINTS = (point(BASELINE, 1), point(LEAN, 2), point(LEAN, 4, make_failed(LEAN)))


def swept(monkeypatch: pytest.MonkeyPatch, done: Sweep) -> None:
    monkeypatch.setattr(sweeping, "sweep", lambda plan, **_: done)


def test_a_sweep_prints_its_points_and_where_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    swept(monkeypatch, Sweep(POINTS, None))
    done = wattmark("sweep")
    said = done.stdout.splitlines()
    assert done.exit_code == 0
    for title in ("Latency p50, ms", "Throughput, query/s", "Energy per query, J/query"):
        assert title in done.stdout
    assert "— (killed)" in done.stdout and "584 MiB" in done.stdout
    assert said[-3:] == [
        "Latency is that of a whole batch; the wait until one is full is not in it.",
        f"Most throughput: {LEAN} at batch 2: 88.7 [87.0, 90.5] query/s, "
        "0.12 [0.05, 0.29] J/query, modelled",
        f"Least energy: {LEAN} at batch 2: 88.7 [87.0, 90.5] query/s, "
        "0.12 [0.05, 0.29] J/query, modelled",
    ]


def test_a_sweep_within_a_bound_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    unmetered = point(BASELINE, 1, make_result(BASELINE, *MEASURED[BASELINE], energy=False))
    swept(monkeypatch, Sweep((unmetered,), parse_slo("p99<50ms")))
    assert wattmark("sweep").stdout.splitlines()[-1] == (
        f"Most throughput within p99<50ms: {BASELINE} at batch 1: 50.9 [49.8, 51.9] query/s, "
        "— (no_meter)"
    )
    swept(monkeypatch, Sweep((unmetered,), parse_slo("p99<1ms")))
    done = wattmark("sweep")
    assert done.exit_code == 0
    assert done.stdout.endswith("\nNo batch size has a figure within p99<1ms.\n")


def test_a_sweep_as_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    swept(monkeypatch, Sweep(POINTS, parse_slo("p99<30ms")))
    found = json.loads(wattmark("sweep", "--json").stdout)
    assert (found["slo"], found["interrupted"]) == ("p99<30ms", False)
    assert found["most_throughput"] == found["least_energy"] == {"setup": LEAN, "batch": 2}
    first, second, third = found["points"]
    assert (first["setup"], first["batch"], first["run"]) == (BASELINE, 1, "run-1")
    assert (first["keeps_slo"], second["keeps_slo"], third["keeps_slo"]) == (False, True, None)
    assert (first["failure"], third["failure"], third["latency"]) == (None, "killed", None)
    assert second["latency"]["p50"]["value"] == 9.8
    assert second["throughput"]["unit"] == "query/s" and second["peak_rss_bytes"] == 612_000_000
    assert second["energy_per_query"]["value"] == pytest.approx(0.116)
    assert third["peak_rss_bytes"] is None

    swept(monkeypatch, Sweep(POINTS[2:], None, interrupted=True))
    found = json.loads(wattmark("sweep", "--json").stdout)
    assert (found["slo"], found["interrupted"]) == (None, True)
    assert found["most_throughput"] is None and found["least_energy"] is None


@pytest.mark.parametrize(
    ("points", "interrupted", "code"),
    [(POINTS, False, 0), (POINTS, True, 130), (POINTS[2:], False, 1), (POINTS[2:], True, 130)],
)
def test_what_a_sweep_returns(monkeypatch, points, interrupted: bool, code: int) -> None:
    swept(monkeypatch, Sweep(points, None, interrupted))
    assert wattmark("sweep").exit_code == code
    quiet = wattmark("sweep", "--quiet")
    assert (quiet.exit_code, quiet.stdout) == (code, "")


def test_a_sweep_is_drawn(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    swept(monkeypatch, Sweep(POINTS, None))
    assert wattmark("sweep", "-q", "--plot", "curve.svg").stdout == ""
    assert (here / "curve.svg").read_text().startswith("<svg")


def test_a_suite_is_not_swept_and_a_setup_is_one_of_the_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "unknown setup 'x/y/fp32'" in str(wattmark("sweep", "--only", "x/y/fp32").exception)
    monkeypatch.setattr(runs, "read", lambda path: suite())
    error = str(wattmark("sweep", "all.yaml").exception)
    assert error == "all.yaml is a suite: sweep one of its plans"


@pytest.mark.parametrize("line", [["--qps", "auto"], ["--policy", "none", "--qps", "3"]])
def test_rates_of_a_sweep_are_searched_for_policies_alone(line: list[str]) -> None:
    done = wattmark("sweep", *line, "--slo", "p99<1s")
    assert done.exit_code == 2 and "--qps auto with --policy" in done.stderr


# policies


def a_test(samples: int, batch_sizes: dict[int, int]) -> LoadgenTest:
    return LoadgenTest(
        scenario="server", mode="performance", version="5", duration_s=1.0, samples=samples,
        batch_sizes=batch_sizes, valid=True,
    )  # fmt: skip


def rates() -> tuple[PolicyRate, ...]:
    policies = serving_rates.Policy
    result = make_result(BASELINE, *MEASURED[BASELINE]).model_copy(
        update={"loadgen": (a_test(30, {4: 5, 2: 5}), a_test(6, {1: 6}))}
    )
    bare = result.model_copy(update={"energy": (), "latency": None})
    search = RateSearch(123.456, 234.567, ((234.567, False), (123.456, True)))
    return (
        PolicyRate(BASELINE, policies.DYNAMIC, 345.678, search, result),
        PolicyRate(BASELINE, policies.STATIC, 345.678, RateSearch(9.0, None, ()), bare),
        PolicyRate(LEAN, policies.STATIC, 20.0, RateSearch(None, 15.0, ()), None),
        PolicyRate(LEAN, policies.DYNAMIC, None, None, None, "killed"),
    )


POLICIES = ["sweep", "--policy", "dynamic,static", "--slo", "p99<50ms"]


def searched(monkeypatch: pytest.MonkeyPatch, done: ServingRates) -> dict[str, Any]:
    asked: dict[str, Any] = {}

    def found(plan: object, **how: Any) -> ServingRates:
        asked.update(how)
        return done

    monkeypatch.setattr(serving_rates, "serving_rates", found)
    return asked


def test_policies_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = searched(monkeypatch, ServingRates("p99<50ms", rates()))
    done = wattmark(*POLICIES)
    assert done.exit_code == 0
    assert "Highest rates, in queries per second, within p99<50ms" in done.stdout
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in done.stdout.splitlines()
        if line.startswith("│")
    ]
    assert rows == [
        [BASELINE, "dynamic", "346", "123", "235", "44.5 [40.9, 48.0] ms", "2.25",
         "0.20 [0.08, 0.50] J/query"],
        [BASELINE, "static", "346", "9", "—", "—", "2.25", "—"],
        [LEAN, "static", "20", "none", "15", "—", "—", "—"],
        [LEAN, "dynamic", "— (killed)", "—", "—", "—", "—", "—"],
    ]  # fmt: skip
    assert done.stdout.splitlines()[3].count("│") in (0, 9)
    assert (asked["batch"], asked["max_wait_ms"], asked["test_s"]) == (8, 5.0, 4.0)


def test_policies_as_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    searched(monkeypatch, ServingRates("p99<50ms", rates(), interrupted=True))
    done = wattmark(*POLICIES, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 130
    assert (found["slo"], found["interrupted"]) == ("p99<50ms", True)
    first, second, third, fourth = found["rates"]
    assert (first["setup"], first["policy"]) == (BASELINE, "dynamic")
    assert (first["offline_qps"], first["sustained_qps"]) == (345.678, 123.456)
    assert first["refused_qps"] == 234.567 and first["failure"] is None
    assert first["probes"] == [
        {"qps": 234.567, "sustained": False},
        {"qps": 123.456, "sustained": True},
    ]
    assert first["energy_per_query"]["value"] == pytest.approx(0.2)
    assert first["result"]["rounds"] == 10
    assert second["energy_per_query"] is None
    assert (third["result"], third["sustained_qps"]) == (None, None)
    assert (fourth["probes"], fourth["failure"], fourth["offline_qps"]) == ([], "killed", None)


@pytest.mark.parametrize(
    ("found", "interrupted", "code"),
    [(rates(), False, 0), (rates()[2:], False, 1), (rates(), True, 130), ((), False, 1)],
)
def test_what_a_search_returns(monkeypatch, found, interrupted: bool, code: int) -> None:
    searched(monkeypatch, ServingRates("p99<50ms", found, interrupted))
    assert wattmark(*POLICIES).exit_code == code
    assert wattmark(*POLICIES, "--batch", "1,2").exit_code == 2


# loads of servers


def a_load(valid: int = 5, stopped: str = "", **plan: Any) -> Any:
    run = old_endpoint_run()
    result = run.result.model_copy(update={"valid": valid, "stopped": stopped})
    return run.model_copy(update={"result": result, "plan": run.plan.model_copy(update=plan)})


@pytest.mark.parametrize(
    ("valid", "stopped", "code"),
    [(1, "", 0), (0, "", 1), (5, "interrupted", 130), (0, "interrupted", 130), (2, "budget", 0)],
)
def test_what_a_load_returns(monkeypatch, valid: int, stopped: str, code: int) -> None:
    run = a_load(valid, stopped)
    shown: list[bool] = []

    def run_endpoint(plan: object, observe: Any) -> object:
        shown.append(observe._show)
        return run

    monkeypatch.setattr(endpoint_runs, "run_endpoint", run_endpoint)
    line = ["loadtest", URL, "--model", "m"]
    done = wattmark(*line)
    assert done.exit_code == code
    assert done.stdout.endswith(f"\nRun: {run.id}\n")
    assert wattmark(*line, "--quiet").stdout == ""
    assert wattmark(*line, "--json").stdout == run.model_dump_json(indent=1) + "\n"
    assert shown == [True, False, False]


def test_a_sweep_of_loads_ends_with_ctrl_c_and_names_the_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = [a_load(slo=None), a_load(stopped="interrupted"), a_load()]
    left = list(made)
    monkeypatch.setattr(endpoint_runs, "run_endpoint", lambda plan, observe: left.pop(0))
    best: list[Any] = [made[0]]
    monkeypatch.setattr(endpoint_runs, "sweet_spot", lambda done: best[0])
    line = ["sweep", "--endpoint", URL, "--model", "m", "--concurrency", "1,2,3"]
    done = wattmark(*line)
    assert (done.exit_code, len(left)) == (130, 1)
    assert done.stdout.endswith(f"\nMost throughput: {made[0].result.arrivals}\n")

    left[:] = made[:1]
    found = wattmark(*line[:-1], "1", "--json")
    document = json.loads(found.stdout)
    assert found.exit_code == 0 and found.stderr == ""
    assert document["most_throughput"] == made[0].id and len(document["runs"]) == 1

    best[0] = None
    left[:] = [a_load(slo="p99<1s")]
    none = wattmark(*line[:-1], "1")
    assert none.exit_code == 1
    assert none.stdout.endswith("\nNo load within p99<1s gave a valid figure.\n")
    left[:] = [a_load(valid=0, stopped="interrupted")]
    none = wattmark(*line[:-1], "1", "--json")
    assert none.exit_code == 130 and json.loads(none.stdout)["most_throughput"] is None
    left[:] = [a_load()]
    assert wattmark(*line[:-1], "1", "-q").stdout == ""


# runs of plans and suites


def suite() -> Suite:
    plans = [make_run([]).plan.model_copy(update={"name": name}) for name in ("a", "b", "c")]
    return Suite(name="all", plans=tuple(plans))


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each plan of a suite comes to: a run, or an error."""
    left: list[Any] = []

    def run(plan: object, **_: object) -> Run:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        made: Run = found
        return made

    monkeypatch.setattr(runs, "run", run)
    monkeypatch.setattr(runs, "read", lambda path: suite())
    monkeypatch.setattr(run_reports, "write_report", lambda run, path: path.write_text(run.id))
    return left


GOOD = make_run([make_result(BASELINE, *MEASURED[BASELINE])])
FAILED = make_run([make_failed(LEAN)])


def test_the_plans_of_a_suite_run_one_after_another(outcomes: list[Any], here: Path) -> None:
    outcomes[:] = [GOOD, GOOD, GOOD]
    done = wattmark("run", "--report", "mine.html")
    assert done.exit_code == 0
    assert [x for x in done.stderr.splitlines() if "/3" in x] == ["1/3  a", "2/3  b", "3/3  c"]
    assert {p.name for p in here.glob("*.html")} == {"mine-a.html", "mine-b.html", "mine-c.html"}
    outcomes[:] = [GOOD, GOOD, GOOD]
    quiet = wattmark("run", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    outcomes[:] = [GOOD, GOOD, GOOD]
    assert wattmark("run", "--json").stderr == ""


def test_a_plan_that_cannot_be_run_is_told_and_the_others_go_on(outcomes: list[Any]) -> None:
    outcomes[:] = [PlanError("no such task"), GOOD, GOOD]
    done = wattmark("run")
    assert done.exit_code == PlanError("").exit_code == 2
    assert "wattmark: a: no such task" in done.stderr and not outcomes
    outcomes[:] = [GOOD, FAILED, GOOD]
    assert wattmark("run").exit_code == 1


def test_ctrl_c_ends_a_suite_and_says_what_is_left(outcomes: list[Any]) -> None:
    stopped = make_run([make_failed(LEAN)], stop_reason=StopReason.INTERRUPTED)
    outcomes[:] = [stopped, GOOD, GOOD]
    done = wattmark("run")
    assert (done.exit_code, len(outcomes)) == (130, 2)
    assert f"Interrupted. Finish it with: wattmark run --resume {stopped.id}\n" in done.stderr
    assert done.stderr.endswith("Then the rest of the suite with: --only b --only c\n")
    outcomes[:] = [GOOD, GOOD, stopped]
    assert "Then the rest" not in wattmark("run").stderr


def test_a_run_says_where_its_report_is_and_what_failed(
    outcomes: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "read", lambda path: GOOD.plan)
    outcomes[:] = [GOOD]
    assert wattmark("run").stdout.endswith(f"\n\nReport: report.html    Run: {GOOD.id}\n")
    outcomes[:] = [FAILED]
    done = wattmark("run", "-q")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"failed: {LEAN}: worker died of SIGSEGV\n"
