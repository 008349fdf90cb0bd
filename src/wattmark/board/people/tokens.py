"""Tokens: what a program shows to submit to a board, or to maintain it.

A token is ``wm_<id>_<secret>``. Its text is shown once, when it is made; the board keeps the id and
a hash of the secret, so that what leaks from the database opens nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from sqlalchemy import Connection, insert, select, update

from wattmark.board.people import argon2id
from wattmark.board.shelf import audit_log, tables, times
from wattmark.board.shelf.names import require_name
from wattmark.errors import RefusedError

_TOKEN = re.compile(r"wm_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_ID = re.compile(r"[0-9a-f]{12}")
_HEADER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)
_DAY_S = 86_400
_MOST_DAYS = 3650


class Scope(StrEnum):
    """What a token is good for; none includes another."""

    #: Send bundles, and see what became of them.
    SUBMIT = "submit"
    #: Decide on bundles; open and freeze editions.
    MAINTAIN = "maintain"


@dataclass(frozen=True)
class Token:
    """What the board knows of a token; times are ISO 8601 in UTC, None for never."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None


@dataclass(frozen=True)
class Bearer:
    """Who came with a token that is good."""

    id: str
    name: str
    scopes: frozenset[Scope]


def create(
    connection: Connection,
    name: str,
    scopes: Iterable[Scope],
    *,
    by: str,
    days: int | None = 365,
) -> str:
    """The text of a new token, which nothing can show again; None days: good until revoked.

    ``by`` is the actor in the log. Raises RefusedError 422.
    """
    require_name(name)
    granted = sorted(set(scopes))
    if not granted:
        raise RefusedError(422, "no_scope", "scopes: a token needs submit or maintain")
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise RefusedError(
            422, "bad_days", f"days: a token lives 1 to {_MOST_DAYS} days, not {days}"
        )
    id_, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    expires_at = None if days is None else times.later(days * _DAY_S)
    connection.execute(
        insert(tables.tokens).values(
            id=id_,
            name=name,
            secret_hash=argon2id.hashed(secret),
            scopes=" ".join(granted),
            created_at=times.now(),
            created_by=by,
            expires_at=expires_at,
        )
    )
    audit_log.append(
        connection, by, "create_token", id_, name=name, scopes=granted, expires_at=expires_at
    )
    return f"wm_{id_}_{secret}"


def revoke(connection: Connection, id: str, *, by: str) -> None:
    """A token is good for nothing from now on; a revoked one stays as it is.

    Raises RefusedError 404 ``no_such_token``.
    """
    table = tables.tokens
    row = (
        connection.execute(select(table.c.revoked_at).where(table.c.id == id)).one_or_none()
        if _ID.fullmatch(id)
        else None
    )
    if row is None:
        raise RefusedError(
            404, "no_such_token", f"no token has the id {id[:40]!a}: `token list` shows them"
        )
    if row.revoked_at is None:
        connection.execute(update(table).where(table.c.id == id).values(revoked_at=times.now()))
        audit_log.append(connection, by, "revoke_token", id)


def listed(connection: Connection) -> list[Token]:
    """Every token there ever was, the oldest first."""
    table = tables.tokens
    columns = [column for column in table.c if column is not table.c.secret_hash]
    rows = connection.execute(select(*columns).order_by(table.c.created_at, table.c.id))
    return [Token(**dict(row._mapping) | {"scopes": _scopes(row.scopes)}) for row in rows]


class Tokens:
    """Knows a token by its text; for one board, and safe to use from several threads.

    A hash takes some 20 ms, so what was verified is remembered, by the sha256 of the text. That
    saves the hash only: whether the token is revoked or expired is read from the database each
    time. ``most`` texts are remembered, the last used ones.
    """

    def __init__(self, most: int = 1024) -> None:
        self._most = most
        self._verified: OrderedDict[bytes, str] = OrderedDict()
        self._lock = Lock()

    def authenticate(self, connection: Connection, header: str | None) -> Bearer:
        """Who sends the HTTP header ``Authorization``. Do not call it in a change: it is slow.

        Raises RefusedError 401: ``no_token``, ``bad_token``, and to those who know the secret
        ``token_revoked`` and ``token_expired``.
        """
        sent = _HEADER.fullmatch(header or "")
        if sent is None:
            raise RefusedError(
                401, "no_token", "send a token, in the header Authorization: Bearer wm_..."
            )
        text = sent[1]
        found = _TOKEN.fullmatch(text)
        if found is None:
            raise _bad_token()
        table = tables.tokens
        row = connection.execute(select(table).where(table.c.id == found[1])).one_or_none()
        if not self._matches(row.secret_hash if row else None, text, found[2]) or row is None:
            raise _bad_token()
        if row.revoked_at is not None:
            raise RefusedError(401, "token_revoked", f"this token was revoked at {row.revoked_at}")
        if row.expires_at is not None and row.expires_at <= times.now():
            raise RefusedError(401, "token_expired", f"this token expired at {row.expires_at}")
        return Bearer(row.id, row.name, _scopes(row.scopes))

    def require(self, bearer: Bearer, scope: Scope) -> None:
        """Raises RefusedError 403 ``scope_missing``."""
        if scope not in bearer.scopes:
            raise RefusedError(
                403,
                "scope_missing",
                f"token {bearer.id} ({bearer.name}) may not do this: it lacks the scope {scope}",
            )

    def _matches(self, stored: str | None, text: str, secret: str) -> bool:
        key = hashlib.sha256(text.encode()).digest()
        with self._lock:
            if stored is not None and self._verified.get(key) == stored:
                self._verified.move_to_end(key)
                return True
        if not argon2id.matches(stored, secret) or stored is None:
            return False
        with self._lock:
            self._verified[key] = stored
            self._verified.move_to_end(key)
            if len(self._verified) > self._most:
                self._verified.popitem(last=False)
        return True


def _bad_token() -> RefusedError:
    return RefusedError(401, "bad_token", "this is not a token of this board")


def _scopes(stored: str) -> frozenset[Scope]:
    known = stored.split()
    return frozenset(scope for scope in Scope if scope in known)
