"""The verbs as a user meets them: what they print, and their exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("fake_plugin")

Ask = Callable[..., Any]

PLAN = """
name: fake
task: fake-task
model: fake-model
setups: [fake/right/fp32, fake/double/fp32]
samples: 120
rounds: 4
ratio_width: 0.9
budget_s: 30
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return path


def processed(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from wattmark.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_run_prints_a_table_and_writes_a_report(plan: Path, tmp_path: Path) -> None:
    done = processed("run", plan, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "fake/double/fp32" in done.stdout
    assert "modelled" in done.stdout
    assert "Measure" in done.stderr
    assert "<html" in (tmp_path / "report.html").read_text()

    shown = processed("show", "latest")
    assert "fake/double/fp32" in shown.stdout
    document = json.loads(processed("report", "latest", "--format", "json").stdout)
    assert [r["status"] for r in document["results"]] == ["ok", "ok"]
    assert "fake/double/fp32" in processed("report", "latest", "--format", "md").stdout
    assert processed("report", "latest", "--format", "csv").stdout.count("\n") >= 3
    assert document["id"] in processed("list", "runs").stdout


@pytest.mark.slow
def test_a_failed_trial_gives_a_non_zero_exit_and_says_why(plan: Path, tmp_path: Path) -> None:
    plan.write_text(PLAN.replace("fake/double", "fake/wrong"))

    done = processed("run", plan, cwd=tmp_path)

    assert done.returncode == 1
    assert "fake/wrong/fp32" in done.stderr and "differ from the reference" in done.stderr
    assert "fake/right/fp32" in done.stdout


@pytest.mark.parametrize(
    ("wrong", "right", "hint"),
    [
        ("fake/right/fp32", "fkae/right/fp32", "'fake'"),
        ("task: fake-task", "task: fake-tusk", "fake-task"),
        ("samples:", "sampels:", "samples"),
        ("fake/double/fp32", "fake/double/fp31", "fp32"),
    ],
)
def test_a_wrong_name_in_a_plan_is_answered_with_the_nearest(
    wattmark: Ask, plan: Path, wrong: str, right: str, hint: str
) -> None:
    plan.write_text(PLAN.replace(wrong, right))

    done = wattmark("run", plan)

    assert done.code == 2
    assert hint in done.err


def test_plan_check_says_what_would_be_done(wattmark: Ask, plan: Path) -> None:
    done = wattmark("plan", "check", plan)

    assert done.code == 0
    assert "2 setups of fake-model" in done.out


def test_plan_schema_is_json_schema(wattmark: Ask) -> None:
    assert "setups" in json.loads(wattmark("plan", "schema").out)["properties"]


def test_list_finds_a_third_partys_plugin(wattmark: Ask) -> None:
    setups = {row["name"] for row in json.loads(wattmark("list", "frameworks", "--json").out)}

    assert {"fake/right/fp32", "pytorch/eager/fp32", "llamacpp/gguf/int4-weight-only"} <= setups


def test_list_data_tells_what_can_be_scored(wattmark: Ask) -> None:
    rows = {r["name"]: r for r in json.loads(wattmark("list", "data", "--json").out)}

    assert rows["labelled"]["label"] == "label: one of three directions"
    assert rows["bare"]["label"] == "no label: --cost-only"
    assert rows["imagenet"]["licence"].endswith("(gated)")


@pytest.mark.parametrize(
    ("data", "says"),
    [("lablled", "did you mean 'labelled'"), ("bare", "cost alone with `cost_only: true`")],
)
def test_data_that_cannot_be_used_is_told_before_anything_is_timed(
    wattmark: Ask, plan: Path, data: str, says: str
) -> None:
    done = wattmark("run", plan, "--data", data)

    assert done.code == 2
    assert says in done.err


def test_doctor_names_each_meter_and_the_reason_where_it_is_missing(wattmark: Ask) -> None:
    findings = json.loads(wattmark("doctor", "--json").out)

    meters = {row["name"]: row for row in findings["meters"]}
    assert meters["modelled-cpu"]["available"]
    assert all(row["available"] or row["reason"] for row in findings["meters"])


def test_an_unknown_run_is_an_error_without_a_traceback(wattmark: Ask) -> None:
    done = wattmark("show", "no-such-run")

    assert done.code == 2
    assert "run" in done.err


@pytest.mark.parametrize("budget", ["soon", "-3s", "0", "inf"])
def test_a_bad_duration_is_refused(wattmark: Ask, budget: str) -> None:
    assert wattmark("run", "--budget", budget).code == 2
