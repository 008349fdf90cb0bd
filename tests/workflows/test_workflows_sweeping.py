"""A sweep runs one batch size after another, on the fake framework."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import wattmark
from wattmark.cli.main import app
from wattmark.errors import InputError
from wattmark.records import Plan

PLAN = {
    "name": "curve",
    "task": "fake-task",
    "model": "fake-model",
    "setups": ["fake/right/fp32", "fake/memory/fp32"],
    "samples": 400,
    "rounds": 4,
}


@pytest.mark.slow
@pytest.mark.usefixtures("fake_plugin")
def test_a_setup_that_runs_out_of_memory_leaves_and_the_other_goes_on(tmp_path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    command = ["sweep", str(tmp_path / "plan.json"), "--batch", "1,4", "--budget", "2s", "--json"]
    done = CliRunner().invoke(app, command)

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    points = [(p["setup"], p["batch"], p["failure"]) for p in told["points"]]
    assert points == [
        ("fake/right/fp32", 1, None),
        ("fake/memory/fp32", 1, "out_of_memory"),
        ("fake/right/fp32", 4, None),
    ]
    assert told["most_throughput"]["setup"] == "fake/right/fp32"


@pytest.mark.parametrize("batches", [(), (4, 2), (1, 1), (0, 1)])
def test_batches_that_do_not_go_up_are_refused(batches) -> None:
    with pytest.raises(InputError, match="do not go up"):
        wattmark.sweep(Plan.model_validate(PLAN), batches=batches)


def test_an_objective_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        wattmark.sweep(Plan.model_validate(PLAN), slo="fast")
