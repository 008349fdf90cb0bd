"""The board's schema is the same on both databases, and its log only grows."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, text

from wattmark.board.shelf import tables
from wattmark.board.shelf.database import SCHEMA, Database
from wattmark.errors import BoardError
from wattmark.store.database import open_database


def test_the_migrations_give_the_schema_of_the_tables(database: Database) -> None:
    def ours(thing, name, type_, reflected, compare_to) -> bool:
        return type_ != "table" or name.startswith("board_")

    with database.engine.connect() as connection:
        options = {"version_table": SCHEMA.version_table, "include_object": ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCHEMA.migrations))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA.head


def test_results_that_were_there_before_scales_share_none(database_url: str) -> None:
    before = open_database(database_url, replace(SCHEMA, head="0001"))
    with before.begin() as connection:
        columns = {c["name"]: c for c in inspect(connection).get_columns("board_results")}
        values = {
            name: 1 if str(column["type"]).startswith(("INT", "BIGINT")) else "x"
            for name, column in columns.items()
            if not column["nullable"]
        }
        bundle = {c.name: "x" for c in tables.bundles.c if not c.nullable}
        bundle |= {"results": 1, "document": b"x", "findings": []}
        connection.execute(insert(tables.bundles), [bundle])
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        statement = f"INSERT INTO board_results ({names}) VALUES ({places})"
        connection.execute(text(statement), values)
    before.dispose()

    with Database.open(database_url) as database, database.reading() as connection:
        (row,) = connection.execute(tables.results.select()).mappings()

    assert "energy_wh_scale" not in columns
    assert row["energy_wh_scale"] == ""
    assert row["energy_wh_comparable_low"] is row["energy_wh_comparable_high"] is None


def test_every_change_makes_the_version_grow(database: Database) -> None:
    with database.reading() as connection:
        before = database.version(connection)
    with database.writing():
        pass
    with database.reading() as connection:
        assert database.version(connection) == before + 1


def test_a_change_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            connection.execute(insert(tables.maintainers), [_maintainer("ada")])
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError):
        fail()
    with database.reading() as connection:
        assert connection.execute(tables.maintainers.select()).all() == []


def test_changes_follow_each_other(database: Database) -> None:
    def change(name: str) -> None:
        for i in range(10):
            with database.writing() as connection:
                connection.execute(insert(tables.maintainers), [_maintainer(f"{name}{i}")])

    threads = [threading.Thread(target=change, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        assert len(connection.execute(tables.maintainers.select()).all()) == 40
        assert database.version(connection) == 41


@pytest.mark.parametrize(
    "statement", ["UPDATE board_audit SET actor = 'nobody'", "DELETE FROM board_audit"]
)
def test_the_log_refuses_to_be_changed(database: Database, statement: str) -> None:
    entry = {
        "seq": 1,
        "at": "2026-01-01T00:00:00Z",
        "actor": "ada",
        "action": "accept",
        "subject": "x",
        "detail": "{}",
        "previous_sha256": "0" * 64,
        "sha256": "1" * 64,
    }
    with database.writing() as connection:
        connection.execute(insert(tables.audit), [entry])

    def tamper() -> None:
        with database.writing() as connection:
            connection.exec_driver_sql(statement)

    with pytest.raises(BoardError, match="append-only"):
        tamper()


def test_an_address_without_a_server_is_a_clear_error(tmp_path) -> None:
    with pytest.raises(BoardError, match=r"board .* cannot be opened"):
        Database.open(f"postgresql://nobody@/none?host={tmp_path}")


def _maintainer(name: str) -> dict[str, str]:
    return {"name": name, "password_hash": "x", "created_at": "2026-01-01T00:00:00Z"}
