"""The store in a real PostgreSQL, at the URL that the user set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from synthetic_run import MEASURED, make_result, make_run

from wattmark.errors import StoreError
from wattmark.store import database
from wattmark.store.store import Store
from wattmark.store.tables import Base


@pytest.fixture
def url(new_postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    made = new_postgresql()
    monkeypatch.setenv("WATTMARK_STORE_URL", made)
    return made


def test_the_migrations_give_the_schema_of_the_models(url: str) -> None:
    engine = database.open_database(url)
    with engine.connect() as connection:
        options = {"version_table": database.STORE.version_table, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_run_is_kept_and_never_changed(url: str) -> None:
    run = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
    with Store.open() as store:
        store.begin(run.id, run.created_at, run.plan, run.model, run.task, run.environment)
        store.finish(run)
    with Store.open() as store:
        assert store.load(store.resolve("latest")) == run
        with pytest.raises(StoreError, match="never change"):
            store.finish(run)


def test_raw_files_stay_in_the_data_folder(url: str, tmp_path: Path) -> None:
    run = make_run([])
    with Store.open() as store:
        store.begin(run.id, run.created_at, run.plan, run.model, run.task, run.environment)
        assert store.folder(run.id).is_dir()
    assert not list(tmp_path.rglob("*.db"))
