"""Open the database and bring it to the newest schema.

SQLite runs in WAL mode with full synchronisation, so that what was committed survives a kill and
a power cut, and readers never wait for a writer. A second writer waits up to `BUSY_TIMEOUT_S`.

Alembic is imported only where there is something to upgrade. Two processes that meet at an old
database do not clash: the upgrade is one transaction under a lock, and the second finds it done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from wattmark.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_TIMEOUT_S = 30
#: Of PostgreSQL's advisory locks, the one under which a schema is upgraded ("wattmark").
_UPGRADE_LOCK = int.from_bytes(b"wattmark"[:7], "big")


@dataclass(frozen=True)
class Schema:
    """A set of tables that may share a database with others.

    ``head`` is the newest revision in the folder ``migrations/versions`` (a test holds the two
    together), ``version_table`` says which one a database has, ``name`` is for people.
    """

    name: str
    head: str
    migrations: Path
    version_table: str


@dataclass(frozen=True)
class WrittenJson:
    """A document for a column of JSON that is written already, and is kept as these letters."""

    text: str


STORE = Schema("store", "0003", Path(__file__).with_name("migrations"), "wattmark_version")


def open_database(url: str, schema: Schema = STORE, **options: Any) -> Engine:
    """An engine on an up-to-date database; ``options`` are SQLAlchemy's. Raises StoreError."""
    try:
        engine = create_engine(url, json_serializer=_json, **options)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StoreError(f"the {schema.name}'s URL cannot be used: {error}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    shown = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            if _revision(connection, schema) != schema.head:
                connection.rollback()
                _upgrade(connection, schema)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = getattr(error, "orig", None) or error
        raise StoreError(f"the {schema.name} {shown} cannot be opened: {reason}") from error
    except StoreError as error:
        engine.dispose()
        raise StoreError(f"the {schema.name} {shown} {error}") from error
    return engine


def _json(value: Any) -> str:
    return value.text if isinstance(value, WrittenJson) else json.dumps(value, allow_nan=False)


def _configure_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_S * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _revision(connection: Connection, schema: Schema) -> str | None:
    if not inspect(connection).has_table(schema.version_table):
        return None
    return connection.execute(text(f"SELECT version_num FROM {schema.version_table}")).scalar()


def _upgrade(connection: Connection, schema: Schema) -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    config = Config()
    config.set_main_option("script_location", str(schema.migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = schema.version_table
    current = _revision(connection, schema)
    if current is not None and current not in _revisions(config):
        raise StoreError(
            f"was written by a newer Wattmark (schema {current}; this one knows up to "
            f"{schema.head}): update Wattmark, or set WATTMARK_DATA to another folder"
        )
    command.upgrade(config, schema.head)
    connection.commit()


def _revisions(config: Config) -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
