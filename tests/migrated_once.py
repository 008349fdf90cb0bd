"""New databases get their tables by the statements that the migrations ran the first time.

Alembic loads the migrations, and SQLAlchemy compiles what they say, for every new database anew:
ten times the work of the statements themselves. Each set of migrations runs once here, on each kind
of database; what it sent is sent again to those that follow. What is upgraded runs its migrations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, inspect

#: What only looks is not sent again.
_LOOKS = ("SELECT", "PRAGMA")
_Sent = list[tuple[str, Any]]


@contextmanager
def remembered() -> Iterator[None]:
    """Inside, Alembic's ``upgrade`` of a new database is remembered."""
    known: dict[tuple[str | None, ...], _Sent] = {}
    real = command.upgrade

    def upgrade(config: Config, revision: str) -> None:
        connection: Connection = config.attributes["connection"]
        version_table: str = config.attributes["version_table"]
        if inspect(connection).has_table(version_table):
            return real(config, revision)
        folder = config.get_main_option("script_location")
        key = (connection.dialect.name, folder, version_table, revision)
        if key in known:
            _send(connection, known[key])
        else:
            known[key] = _sent_by(connection, lambda: real(config, revision))
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", upgrade)
        yield


def _sent_by(connection: Connection, work: Callable[[], None]) -> _Sent:
    sent: _Sent = []

    def keep(*said: Any) -> None:
        _, _, statement, parameters, *_ = said
        if not statement.lstrip().upper().startswith(_LOOKS):
            sent.append((statement, parameters or None))

    event.listen(connection, "before_cursor_execute", keep)
    try:
        work()
    finally:
        event.remove(connection, "before_cursor_execute", keep)
    return sent


def _send(connection: Connection, sent: _Sent) -> None:
    """PostgreSQL takes several statements at a time, where they have no parameters."""
    cursor = connection.connection.cursor()
    together = connection.dialect.name == "postgresql" and not any(p for _, p in sent)
    if together:
        sent = [(";\n".join(statement for statement, _ in sent), None)]
    for statement, parameters in sent:
        if parameters is None:
            cursor.execute(statement)
        else:
            cursor.execute(statement, parameters)
    cursor.close()
