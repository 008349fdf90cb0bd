"""A run is recorded piece by piece, survives what kills it, and never changes afterwards."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wattmark.errors import RunNotFoundError, StoreError
from wattmark.records import ExecutionRecord, Failure, Preparation, Round, Run, StopReason
from wattmark.store.store import Store
from wattmark.store.tables import RunStatus

TRIAL = "pytorch/eager/fp32"
Begin = Callable[..., str]
MakeRound = Callable[..., Round]
MakeRun = Callable[..., Run]


def change_database(store: Store, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(store.location / "wattmark.db")) as connection, connection:
        connection.execute(statement, values)


def test_progress_gives_back_what_was_recorded(
    store: Store,
    begin: Begin,
    make_round: MakeRound,
    preparation: Preparation,
    execution: ExecutionRecord,
    failure: Failure,
) -> None:
    run_id = begin()
    store.add_preparation(run_id, preparation)
    store.add_execution(run_id, execution)
    rounds = (make_round(0), make_round(1, contended=True), make_round(1, attempt=1))
    for round_ in rounds:
        store.add_round(run_id, round_)
    store.add_failure(run_id, "jax/jit/fp32", failure)

    recorded = store.progress(run_id)

    assert recorded.status is RunStatus.RUNNING
    assert recorded.preparations == (preparation,)
    assert recorded.executions == (execution,)
    assert recorded.rounds == rounds
    assert recorded.failures == {"jax/jit/fp32": failure}
    assert (recorded.model.name, recorded.task.name) == ("tiny", "texts")


def test_a_new_run_has_a_folder_and_no_measurements(store: Store, begin: Begin) -> None:
    run_id = begin()
    assert store.folder(run_id).is_dir()
    recorded = store.progress(run_id)
    assert (recorded.preparations, recorded.executions, recorded.rounds) == ((), (), ())
    assert recorded.failures == {}


def test_a_superseded_round_is_kept_and_marked(
    store: Store, begin: Begin, make_round: MakeRound
) -> None:
    run_id = begin()
    for attempt in (0, 1):
        store.add_round(run_id, make_round(attempt=attempt))
    store.supersede_round(run_id, TRIAL, 0, 0, 0)
    assert [r.superseded for r in store.progress(run_id).rounds] == [True, False]
    assert store.runs()[0].rounds == 1
    with pytest.raises(StoreError, match=r"round 7 .* is not recorded"):
        store.supersede_round(run_id, TRIAL, 0, 7, 0)


def test_a_round_is_recorded_once(store: Store, begin: Begin, make_round: MakeRound) -> None:
    run_id = begin()
    store.add_round(run_id, make_round(3))
    with pytest.raises(StoreError, match=r"round 3 .* is recorded already"):
        store.add_round(run_id, make_round(3, cpu_s=3.0))
    assert store.progress(run_id).rounds == (make_round(3),)


def test_a_figure_that_is_not_finite_is_refused(
    store: Store, begin: Begin, make_round: MakeRound
) -> None:
    run_id = begin()
    with pytest.raises(StoreError, match=r"round 0 .* not JSON compliant"):
        store.add_round(run_id, make_round(wall_s=float("nan")))
    assert store.progress(run_id).rounds == ()


def test_a_finished_run_loads_and_never_changes(
    store: Store, begin: Begin, make_round: MakeRound, make_run: MakeRun
) -> None:
    run_id = begin()
    run = make_run(run_id)
    store.finish(run)
    assert store.load(run_id) == run
    for change in (
        lambda: store.finish(run),
        lambda: store.interrupt(run_id),
        lambda: store.add_round(run_id, make_round()),
    ):
        with pytest.raises(StoreError, match="run-1 is finished, and results never change"):
            change()
    assert store.load(run_id) == run
    assert store.runs()[0].status is RunStatus.FINISHED


def test_an_interrupted_run_has_a_document_until_it_is_resumed(
    store: Store, begin: Begin, make_round: MakeRound, make_run: MakeRun
) -> None:
    run_id = begin()
    partial = make_run(run_id, StopReason.INTERRUPTED)
    store.finish(partial)
    store.interrupt(run_id)
    assert store.load(run_id) == partial
    assert store.progress(run_id).status is RunStatus.INTERRUPTED

    store.add_round(run_id, make_round())
    assert store.progress(run_id).status is RunStatus.RUNNING
    with pytest.raises(StoreError, match="--resume run-1"):
        store.load(run_id)
    store.finish(make_run(run_id))
    assert store.load(run_id).stop_reason is StopReason.NARROW


def test_a_run_cannot_begin_twice(store: Store, begin: Begin) -> None:
    begin("run-1")
    with pytest.raises(StoreError, match="run run-1 is recorded already"):
        begin("run-1")


@pytest.mark.parametrize("run_id", ["../escape", "", "a/b", ".hidden", "latest", "a" * 121])
def test_a_run_id_is_a_plain_file_name(begin: Begin, run_id: str) -> None:
    with pytest.raises(StoreError, match="cannot be a run's id"):
        begin(run_id)


def test_runs_are_listed_newest_first(store: Store, begin: Begin) -> None:
    begin("b", "2026-01-02T00:00:00Z")
    begin("a", "2026-01-03T00:00:00Z")
    begin("c", "2026-01-01T00:00:00Z")
    assert [r.id for r in store.runs()] == ["a", "b", "c"]
    assert store.runs()[0].setups == 2


def test_a_run_is_meant_by_latest_by_its_id_or_by_a_unique_start(
    store: Store, begin: Begin
) -> None:
    begin("20260101-ab", "2026-01-01T00:00:00Z")
    begin("20260101-abc", "2026-01-01T00:00:01Z")
    begin("20260102-xy", "2026-01-02T00:00:00Z")
    assert store.resolve("latest") == "20260102-xy"
    assert store.resolve("20260101-ab") == "20260101-ab"
    assert store.resolve("20260102") == "20260102-xy"
    with pytest.raises(RunNotFoundError, match=r"2 runs start with '20260101-a'"):
        store.resolve("20260101-a")
    with pytest.raises(RunNotFoundError, match="did you mean 20260102-xy"):
        store.resolve("20260102-xx")
    with pytest.raises(RunNotFoundError, match="the latest is 20260102-xy"):
        store.resolve("")


def test_an_unknown_run_is_said_to_be_unknown(store: Store, make_round: MakeRound) -> None:
    with pytest.raises(RunNotFoundError, match="there is no run yet"):
        store.resolve("latest")
    for read in (store.load, store.progress, store.interrupt):
        with pytest.raises(RunNotFoundError, match="no run 'ghost'"):
            read("ghost")
    with pytest.raises(RunNotFoundError, match="no run 'ghost'"):
        store.add_round("ghost", make_round())


def test_an_unknown_schema_version_is_refused(
    store: Store, begin: Begin, make_run: MakeRun
) -> None:
    run_id = begin()
    store.finish(make_run(run_id))
    document = json.loads(store.load(run_id).model_dump_json()) | {"schema_version": "99"}
    change_database(
        store, "UPDATE runs SET schema_version = '99', document = ?", json.dumps(document)
    )
    for read in (store.load, store.progress):
        with pytest.raises(StoreError, match="schema version '99', and this Wattmark reads 1, 2"):
            read(run_id)


def test_a_damaged_record_is_named(store: Store, begin: Begin, make_round: MakeRound) -> None:
    run_id = begin()
    store.add_round(run_id, make_round())
    change_database(store, "UPDATE rounds SET record = json_remove(record, '$.wall_s')")
    with pytest.raises(StoreError, match="run-1 holds a damaged Round: wall_s"):
        store.progress(run_id)


def test_every_round_recorded_before_a_kill_is_there(
    store: Store, begin: Begin, make_round: MakeRound
) -> None:
    begin()
    child = """
import sys
from wattmark.records import Round
from wattmark.store.store import Store
store = Store.open(sys.argv[1])
template = Round.model_validate_json(sys.argv[2])
for index in range(1000):
    store.add_round("run-1", template.model_copy(update={"index": index}))
    sys.stdout.write(f"{index}\\n")
    sys.stdout.flush()
"""
    arguments = [sys.executable, "-c", child, str(store.location), make_round().model_dump_json()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "9\n":
                break
        os.kill(process.pid, signal.SIGKILL)
    indices = [r.index for r in store.progress("run-1").rounds]
    assert len(indices) >= 10
    assert indices == list(range(len(indices)))


@pytest.mark.slow
def test_two_processes_may_write_at_once(
    store: Store, begin: Begin, make_round: MakeRound, tmp_path: Path
) -> None:
    begin()
    child = """
import sys
from wattmark.records import Round
from wattmark.store.store import Store
with Store.open(sys.argv[1]) as store:
    template = Round.model_validate_json(sys.argv[2])
    for index in range(40):
        store.add_round("run-1", template.model_copy(
            update={"index": index, "execution": int(sys.argv[3])}))
"""
    arguments = [sys.executable, "-c", child, str(store.location), make_round().model_dump_json()]
    children = [subprocess.Popen([*arguments, str(execution)]) for execution in (0, 1)]
    assert [process.wait() for process in children] == [0, 0]
    recorded = {(r.execution, r.index) for r in store.progress("run-1").rounds}
    assert recorded == {(e, i) for e in (0, 1) for i in range(40)}
