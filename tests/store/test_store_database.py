"""Opening makes, upgrades or refuses a database; the migrations give what the models say."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from wattmark.errors import StoreError
from wattmark.store import database, locations
from wattmark.store.store import Store
from wattmark.store.tables import Base

LATER = '''
"""A later revision."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade():
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("note", sa.String, nullable=False, server_default="none"))
'''


def test_the_migrations_give_the_schema_of_the_models(tmp_path: Path) -> None:
    engine = database.open_database(locations.database_url(tmp_path))
    with engine.connect() as connection:
        options = {"version_table": database.STORE.version_table, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_constraints_have_the_names_that_the_models_give() -> None:
    """SQLite reports unnamed constraints as equal; a later migration needs the names."""
    engine = database.open_database("sqlite://")
    with engine.connect() as connection:
        query = "SELECT sql FROM sqlite_master WHERE name = 'rounds'"
        statement = connection.execute(text(query)).scalar_one()
    assert "CONSTRAINT uq_rounds_run_id_trial_execution_index_attempt UNIQUE" in statement
    assert "CONSTRAINT fk_rounds_run_id FOREIGN KEY" in statement
    engine.dispose()


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(database.STORE.migrations))
    assert ScriptDirectory.from_config(config).get_current_head() == database.STORE.head


def test_an_old_database_is_upgraded_and_keeps_its_rows(tmp_path: Path) -> None:
    url = locations.database_url(tmp_path)
    engine = database.open_database(url)
    with engine.begin() as connection:
        columns = "id, schema_version, created_at, name, task, model, status"
        documents = "plan, model_info, task_info, environment"
        connection.exec_driver_sql(
            f"INSERT INTO runs ({columns}, {documents}) "
            "VALUES ('old', '1', 'then', 'n', 't', 'm', 'finished', '{}', '{}', '{}', '{}')"
        )
    engine.dispose()
    migrations = tmp_path / "migrations"
    shutil.copytree(database.STORE.migrations, migrations)
    (migrations / "versions" / "0004_later.py").write_text(LATER)
    later = replace(database.STORE, migrations=migrations, head="0004")

    engine = database.open_database(url, later)

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id, note FROM runs").all() == [("old", "none")]
        assert database._revision(connection, later) == "0004"
    engine.dispose()


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    url = locations.database_url(tmp_path)
    database.open_database(url).dispose()
    migrations = tmp_path / "migrations"
    shutil.copytree(database.STORE.migrations, migrations)
    broken = LATER + "    op.drop_table('rounds')\n    op.drop_table('no_such_table')\n"
    (migrations / "versions" / "0004_later.py").write_text(broken)
    later = replace(database.STORE, migrations=migrations, head="0004")
    with pytest.raises(StoreError, match="no_such_table"):
        database.open_database(url, later)
    with Store.open(tmp_path) as store:
        assert store.runs() == []


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "wattmark.db")) as connection, connection:
        connection.execute(f"UPDATE {database.STORE.version_table} SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer Wattmark \(schema 9999.*update Wattmark"):
        Store.open(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wattmark.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match=r"wattmark\.db cannot be opened: file is not a database"):
        Store.open(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="WATTMARK_DATA"):
        Store.open(tmp_path / "file" / "data")


@pytest.mark.slow
def test_two_processes_may_open_an_empty_store_at_once(tmp_path: Path) -> None:
    code = "import sys; from wattmark.store.store import Store; Store.open(sys.argv[1]).runs()"
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in children] == [0, 0, 0]


def test_opening_an_up_to_date_store_does_not_import_alembic(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    code = (
        "import sys; from wattmark.store.store import Store; Store.open(sys.argv[1]).runs();"
        "sys.exit(any(m.split('.')[0] in ('alembic', 'pyarrow') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0


def test_sqlite_is_durable_and_strict(tmp_path: Path) -> None:
    engine = database.open_database(locations.database_url(tmp_path))
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }
    engine.dispose()


def test_the_users_settings_say_where_the_store_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTMARK_DATA", str(tmp_path / "data"))
    Store.open().close()
    assert (tmp_path / "data" / "wattmark.db").is_file()

    monkeypatch.setenv("WATTMARK_STORE_URL", f"sqlite:///{tmp_path}/elsewhere.sqlite")
    with Store.open() as store:
        assert store.folder("r") == tmp_path / "data" / "runs" / "r"
    assert (tmp_path / "elsewhere.sqlite").is_file()

    with Store.open(tmp_path / "given"):
        assert (tmp_path / "given" / "wattmark.db").is_file()


@pytest.mark.parametrize("url", ["nonsense", "nosuchdatabase://host/name"])
def test_a_url_that_cannot_be_used_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("WATTMARK_DATA", str(tmp_path))
    monkeypatch.setenv("WATTMARK_STORE_URL", url)
    with pytest.raises(StoreError, match="URL cannot be used"):
        Store.open()


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        database.open_database(f"sqlite://user:secret@host/{tmp_path}/none/such.db")
    assert "secret" not in str(caught.value)
