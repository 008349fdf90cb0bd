"""Open the database and bring it to the newest schema.

SQLite runs in WAL mode with full synchronisation, so that what was committed survives a kill and
a power cut, and readers never wait for a writer. A second writer waits up to `BUSY_TIMEOUT_S`.

Alembic is imported only where there is something to upgrade. Two processes that meet at an old
database do not clash: the upgrade is one immediate transaction, and the second finds it done.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from wattmark.errors import StoreError

#: The newest revision in ``migrations/versions`` (a test holds the two together).
HEAD = "0002"
MIGRATIONS = Path(__file__).with_name("migrations")
VERSION_TABLE = "wattmark_version"
BUSY_TIMEOUT_S = 30


def open_database(url: str) -> Engine:
    """An engine on an up-to-date database. Raises StoreError."""
    try:
        engine = create_engine(url, json_serializer=partial(json.dumps, allow_nan=False))
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StoreError(f"the store's URL cannot be used: {error}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    shown = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            if _revision(connection) != HEAD:
                connection.rollback()
                _upgrade(connection)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = getattr(error, "orig", None) or error
        raise StoreError(f"the store {shown} cannot be opened: {reason}") from error
    except StoreError as error:
        engine.dispose()
        raise StoreError(f"the store {shown} {error}") from error
    return engine


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


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    current = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise StoreError(
            f"was written by a newer Wattmark (schema {current}; this one knows up to {HEAD}): "
            "update Wattmark, or set WATTMARK_DATA to another folder"
        )
    command.upgrade(config, HEAD)
    connection.commit()
