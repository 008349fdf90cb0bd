"""Maintainers: the people who decide what comes onto a board, by name and password.

A name is never given twice, not after its maintainer was disabled either: the log goes by names.
"""

from __future__ import annotations

from sqlalchemy import Connection, Row, insert, select, update

from wattmark.board.people import argon2id, sessions
from wattmark.board.shelf import audit_log, times
from wattmark.board.shelf.names import is_name, require_name
from wattmark.board.shelf.tables import maintainers
from wattmark.errors import RefusedError

_LEAST_CHARACTERS, _MOST_CHARACTERS = 12, 1000


def add(connection: Connection, name: str, password: str, by: str) -> None:
    """A new maintainer; ``by`` is the actor in the log. Raises RefusedError 422, 409 ``taken``."""
    require_name(name)
    _require_password(password)
    if _row(connection, name) is not None:
        raise RefusedError(
            409, "taken", f"there is, or was, a maintainer {name}: choose another name"
        )
    connection.execute(
        insert(maintainers).values(
            name=name, password_hash=argon2id.hashed(password), created_at=times.now()
        )
    )
    audit_log.append(connection, by, "add_maintainer", name)


def set_password(connection: Connection, name: str, password: str, by: str) -> None:
    """Another password, which ends all sessions of the maintainer.

    Raises RefusedError 422, 404 ``no_such_maintainer``, 409 ``disabled``.
    """
    _require_password(password)
    if _known(connection, name).disabled_at is not None:
        raise RefusedError(409, "disabled", f"maintainer {name} is disabled: add another")
    _update(connection, name, password_hash=argon2id.hashed(password))
    audit_log.append(connection, by, "set_password", name)


def disable(connection: Connection, name: str, by: str) -> None:
    """The maintainer may do nothing from now on, and all sessions end.

    Raises RefusedError 404 ``no_such_maintainer``.
    """
    if _known(connection, name).disabled_at is None:
        _update(connection, name, disabled_at=times.now())
        audit_log.append(connection, by, "disable_maintainer", name)


def check(connection: Connection, name: str, password: str) -> bool:
    """Whether this is the password of a maintainer who is not disabled.

    It takes as long for a name that nobody has. Do not call it in a change: it is slow.
    """
    row = _row(connection, name)
    stored = row.password_hash if row is not None and row.disabled_at is None else None
    return argon2id.matches(stored, password if _is_password(password) else "")


def _require_password(password: str) -> None:
    if not _is_password(password):
        raise RefusedError(
            422,
            "bad_password",
            f"password: it needs {_LEAST_CHARACTERS} to {_MOST_CHARACTERS} characters, and no NUL",
        )


def _is_password(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return _LEAST_CHARACTERS <= len(text) <= _MOST_CHARACTERS and "\0" not in text


def _known(connection: Connection, name: str) -> Row[tuple[str, str, str, str | None]]:
    row = _row(connection, name)
    if row is None:
        raise RefusedError(
            404, "no_such_maintainer", f"there is no maintainer {name[:40]!a}: add one first"
        )
    return row


def _row(connection: Connection, name: str) -> Row[tuple[str, str, str, str | None]] | None:
    if not is_name(name):
        return None
    return connection.execute(select(maintainers).where(maintainers.c.name == name)).one_or_none()


def _update(connection: Connection, name: str, **values: str) -> None:
    connection.execute(update(maintainers).where(maintainers.c.name == name).values(**values))
    sessions.end_all(connection, name)
