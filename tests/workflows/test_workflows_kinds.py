"""A run has one name and the same verbs, whatever its kind: latest, prefixes, list, report."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from old_endpoint_run import FILE, old_endpoint_run
from synthetic_run import make_failed, make_run

import wattmark
from wattmark.errors import RunNotFoundError, StoreError, UnknownNameError
from wattmark.records import SCHEMA_VERSION, EndpointRun, Record, Run
from wattmark.reports.cells import Column, Table
from wattmark.reports.shown import Shown
from wattmark.store import run_ids
from wattmark.store.kept_runs import RunLine
from wattmark.store.locations import run_folder
from wattmark.store.run_folders import RunFolders
from wattmark.store.run_ids import created_at
from wattmark.workflows import kinds, runs
from wattmark.workflows.kinds import ENDPOINT, KINDS, PLAN, RunKind

OF_PLAN, OF_SERVER = "20260101-120000-quickstart", "20260102-120000-endpoint-1f2e"


@pytest.fixture
def one_of_each() -> tuple[Run, EndpointRun]:
    """Runs of both kinds, kept; that of the server is the newer one."""
    of_plan = make_run([make_failed("tensorflow/xla/fp32")], id=OF_PLAN)
    of_server = old_endpoint_run()
    PLAN.kept.save(of_plan)
    ENDPOINT.kept.save(of_server)
    return of_plan, of_server


def test_a_load_that_c49d51f_kept_is_found_and_read(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "endpoints" / OF_SERVER
    folder.mkdir(parents=True)
    shutil.copy(FILE, folder / "run.json")
    assert wattmark.load("2026") == old_endpoint_run()


def test_latest_is_the_newest_of_the_kinds_that_are_asked_for(one_of_each) -> None:
    of_plan, of_server = one_of_each
    assert kinds.find("latest") == (ENDPOINT, OF_SERVER)
    assert kinds.find("latest", [PLAN]) == (PLAN, OF_PLAN)
    assert wattmark.load() == of_server
    assert runs.load() == of_plan
    assert runs.bundle().run == of_plan


def test_a_unique_prefix_means_one_run_of_any_kind(one_of_each) -> None:
    of_plan, of_server = one_of_each
    assert wattmark.load("20260101") == of_plan
    assert wattmark.load("20260102") == of_server
    assert wattmark.load(OF_SERVER) == of_server


@pytest.mark.parametrize("of", [KINDS, [PLAN], [ENDPOINT]], ids=["all", "plans", "servers"])
def test_a_prefix_of_two_kinds_is_told(one_of_each, of) -> None:
    with pytest.raises(RunNotFoundError, match="2 runs start with '2026'") as told:
        kinds.find("2026", of)
    assert OF_PLAN in str(told.value) and OF_SERVER in str(told.value)


def test_an_id_of_two_kinds_is_told(one_of_each) -> None:
    ENDPOINT.kept.save(old_endpoint_run(id=OF_PLAN))
    with pytest.raises(RunNotFoundError, match="a run of a plan and a load of a server"):
        wattmark.load(OF_PLAN)


@pytest.mark.parametrize("ask", [runs.load, runs.bundle, runs.resume])
def test_what_takes_runs_of_plans_names_the_kind_of_another(one_of_each, ask) -> None:
    with pytest.raises(RunNotFoundError) as told:
        ask(OF_SERVER)
    assert str(told.value) == (
        f"run {OF_SERVER} is a load of a server, and this takes runs of plans: "
        f"`wattmark show {OF_SERVER}` and `wattmark report {OF_SERVER}` take it"
    )


def test_without_runs_of_the_kind_latest_says_so() -> None:
    with pytest.raises(RunNotFoundError, match="there is no run yet"):
        wattmark.load()
    ENDPOINT.kept.save(old_endpoint_run())
    with pytest.raises(RunNotFoundError, match="there are no runs of plans yet"):
        runs.load()


def test_the_list_holds_all_kinds_the_newest_first(one_of_each) -> None:
    before = {"id": "20251231-235959-endpoint-0", "created_at": "2025-12-31T23:59:59+00:00"}
    ENDPOINT.kept.save(old_endpoint_run(**before))
    lines = kinds.listed()
    assert [(line["id"], line["kind"]) for line in lines[:2]] == [
        (OF_SERVER, "endpoint"),
        (OF_PLAN, "plan"),
    ]
    assert lines[0] == {
        "id": OF_SERVER,
        "kind": "endpoint",
        "status": "finished",
        "task": "openai",
        "model": "good",
        "setups": "http://127.0.0.1:8000",
    }


@pytest.mark.parametrize("format_", ["html", "md", "csv", "json"])
def test_a_run_of_any_kind_has_a_report_in_every_format(one_of_each, format_: str) -> None:
    for run, said in zip(one_of_each, ("tensorflow", "good"), strict=True):
        assert said in wattmark.report(run, format_)


def test_a_format_that_a_kind_does_not_have_is_told(one_of_each) -> None:
    with pytest.raises(UnknownNameError, match="html"):
        wattmark.report(one_of_each[1], "htm")


def test_a_run_is_kept_once(one_of_each) -> None:
    for kind, run in zip((PLAN, ENDPOINT), one_of_each, strict=True):
        with pytest.raises(StoreError, match="recorded already"):
            kind.kept.save(run)


def test_a_load_that_cannot_be_read_names_its_file(one_of_each, tmp_path: Path) -> None:
    path = tmp_path / "data" / "endpoints" / OF_SERVER / "run.json"
    path.write_text("{")
    with pytest.raises(StoreError, match=str(path)):
        wattmark.load()
    assert run_folder(tmp_path, "x") == tmp_path / "runs" / "x"  # plans' raw files lie elsewhere


class Training(Record):
    """A run of a kind to come: what its record has to have, and no more."""

    schema_version: str = SCHEMA_VERSION
    id: str
    loss: float


def test_a_new_kind_is_its_file_and_its_line(one_of_each, monkeypatch) -> None:
    def line(run: Training) -> RunLine:
        return RunLine(run.id, created_at(run.id), "finished", "mnist", "tiny", "1 epoch")

    def shown(run: Training) -> Shown:
        return Shown("tiny", Table((Column("loss", "Loss"),), ()), (f"The loss is {run.loss}.",))

    def report(run: Training, format_: str) -> str:
        return f"{format_}: {run.loss}"

    kept = RunFolders("trainings", Training, line)
    training = RunKind("training", "a training", "trainings", Training, kept, shown, report)
    monkeypatch.setattr(kinds, "KINDS", (*KINDS, training))

    run = Training(id="20260103-120000-tiny-0a0a", loss=0.25)
    kept.save(run)
    assert wattmark.load() == wattmark.load("20260103") == run
    assert [line["kind"] for line in kinds.listed()] == ["training", "endpoint", "plan"]
    assert wattmark.report(run, "md") == "md: 0.25"
    assert kinds.shown(run).conclusions == ("The loss is 0.25.",)
    assert runs.load() == one_of_each[0]
    with pytest.raises(RunNotFoundError, match="is a training, and this takes runs of plans"):
        runs.load(run.id)


def test_ids_say_when_a_run_began() -> None:
    noon = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
    made = {run_ids.new_run_id("quickstart", noon) for _ in range(20)}
    assert len(made) > 1
    for run_id in made:
        assert run_id.startswith("20260102-120000-quickstart-")
        assert run_ids.created_at(run_id) == "2026-01-02T12:00:00+00:00"
    assert run_ids.created_at("mine") == ""
