"""A store that an earlier Wattmark wrote (fixtures/c49d51f) opens, and digests stay what they were.

That store kept a run's document as JSON of some form; since then the bytes are kept.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from synthetic_run import MEASURED, make_result, make_run

from wattmark.errors import StoreError
from wattmark.records import Run, bundle_of
from wattmark.records.canonical import sha256_of
from wattmark.store import Store
from wattmark.store.locations import DATABASE_NAME

OLD = Path(__file__).parent / "fixtures" / "c49d51f"
RUN = "20260101-120002-quickstart"


def a_run() -> Run:
    return make_run([make_result(label, *figures) for label, figures in MEASURED.items()])


def stored(store: Store, run: Run) -> Run:
    store.begin(run.id, run.created_at, run.plan, run.model, run.task, run.environment)
    store.finish(run)
    return run


def test_a_run_of_an_old_store_has_the_digests_that_it_had(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection:
        connection.executescript((OLD / "store.sql").read_text())
    with Store.open(tmp_path) as store:
        bundle = store.bundle(store.resolve("latest"))
    digests = json.loads((OLD / "digests.json").read_text())
    assert bundle.run.id == RUN
    assert bundle.digest == digests["bundle"]
    parts = {r.id: sha256_of(bundle.result_document(r.id)) for r in bundle.run.results}
    assert parts == digests["results"]


def test_the_bytes_of_a_finished_run_are_kept_and_hashed(store: Store, monkeypatch) -> None:
    run = stored(store, a_run())
    made = bundle_of(run)

    def written_anew(run: Run) -> None:
        raise AssertionError("a document that is kept is not written anew")

    monkeypatch.setattr("wattmark.store.recorded.bundle_of", written_anew)
    assert store.bundle(run.id) == made
    assert store.load(run.id) == run


def test_a_document_that_was_changed_is_refused(store: Store, tmp_path: Path) -> None:
    run = stored(store, a_run())
    with closing(sqlite3.connect(tmp_path / "data" / DATABASE_NAME)) as connection:
        connection.execute("UPDATE runs SET document = replace(document, '842', '843')")
        connection.commit()
    with pytest.raises(StoreError, match="not the one that was recorded"):
        store.bundle(run.id)


def test_a_run_without_a_canonical_form_is_kept_and_has_no_digest(store: Store) -> None:
    run = a_run()
    run = run.model_copy(update={"plan": run.plan.model_copy(update={"seed": 2**60})})
    assert store.load(stored(store, run).id) == run
    with pytest.raises(StoreError, match="has no canonical form"):
        store.bundle(run.id)
