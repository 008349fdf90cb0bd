"""Sessions: a browser in which a maintainer has logged in.

The browser has the id, the board only its sha256. Every form carries the session's CSRF token, so
that a page of somebody else cannot send one in the maintainer's name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select

from wattmark.board.shelf import audit_log, times
from wattmark.board.shelf.names import is_name
from wattmark.board.shelf.tables import maintainers, sessions
from wattmark.errors import RefusedError

#: How long a session lives, in seconds, used or not.
LIFE_S = 12 * 3600
_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Session:
    """A session; ``id`` is for the cookie, ``csrf`` for the forms, and neither for a log."""

    id: str = field(repr=False)
    maintainer: str
    csrf: str = field(repr=False)
    expires_at: str


def start(connection: Connection, maintainer: str) -> Session:
    """A new session of a maintainer whose password was right; sessions that are over are deleted.

    Raises RefusedError 401 ``bad_login`` where there is no such maintainer, or no longer.
    """
    connection.execute(delete(sessions).where(sessions.c.expires_at <= times.now()))
    active = select(maintainers.c.name).where(
        maintainers.c.name == maintainer, maintainers.c.disabled_at.is_(None)
    )
    if not is_name(maintainer) or connection.execute(active).one_or_none() is None:
        raise RefusedError(401, "bad_login", "the name or the password is wrong")
    made = Session(
        secrets.token_urlsafe(32), maintainer, secrets.token_urlsafe(32), times.later(LIFE_S)
    )
    connection.execute(
        insert(sessions).values(
            id_sha256=_sha256(made.id),
            maintainer=maintainer,
            csrf=made.csrf,
            created_at=times.now(),
            expires_at=made.expires_at,
        )
    )
    audit_log.append(connection, f"maintainer:{maintainer}", "log_in", maintainer)
    return made


def find(connection: Connection, id_text: str) -> Session | None:
    """The session that a cookie names; None where it is over, or its maintainer disabled."""
    if not _ID.fullmatch(id_text):
        return None
    row = connection.execute(
        select(sessions)
        .join(maintainers, maintainers.c.name == sessions.c.maintainer)
        .where(
            sessions.c.id_sha256 == _sha256(id_text),
            sessions.c.expires_at > times.now(),
            maintainers.c.disabled_at.is_(None),
        )
    ).one_or_none()
    return Session(id_text, row.maintainer, row.csrf, row.expires_at) if row else None


def end(connection: Connection, id_text: str) -> None:
    """Log out; nothing happens where there is no such session."""
    found = find(connection, id_text)
    if found is not None:
        connection.execute(delete(sessions).where(sessions.c.id_sha256 == _sha256(id_text)))
        audit_log.append(connection, f"maintainer:{found.maintainer}", "log_out", found.maintainer)


def end_all(connection: Connection, maintainer: str) -> None:
    """Log a maintainer out everywhere."""
    connection.execute(delete(sessions).where(sessions.c.maintainer == maintainer))


def csrf_valid(session: Session, given: str | None) -> bool:
    """Whether a form carries the session's own token."""
    return hmac.compare_digest(session.csrf.encode(), (given or "").encode(errors="replace"))


def _sha256(id_text: str) -> str:
    return hashlib.sha256(id_text.encode()).hexdigest()
