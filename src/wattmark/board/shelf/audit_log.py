"""The log of what was decided: entries that each carry the hash of the one before.

Triggers of the database refuse to change it; the hashes show a change by somebody who got round
them. They show no cut at the end, and no log that was written anew from the change on: for that,
compare the hash of the newest entry with one that was noted elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from wattmark.board.shelf import times
from wattmark.board.shelf.tables import audit
from wattmark.errors import BoardError, RefusedError
from wattmark.records.canonical import canonical, joined, read_canonical, sha256_of

#: What the first entry has in place of the hash of the one before.
FIRST = "0" * 64
_MOST_ROWS = 1000
_MOST_SEQ = 2**63 - 1
_EMAIL = re.compile(r"[^\s@\"]{1,64}@[^\s@\"]{1,250}\.[A-Za-z]{2}")


@dataclass(frozen=True)
class LogEntry:
    """An entry; ``seq`` counts from 1, ``at`` is ISO 8601 in UTC.

    ``actor`` is who did it (``cli:ada``, ``maintainer:ada``, ``token:0123456789ab``), ``action``
    what, ``subject`` to what, ``detail`` what else there is to say.
    """

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous_sha256: str
    sha256: str


def append(connection: Connection, actor: str, action: str, subject: str, **detail: object) -> None:
    """Add an entry, as a part of the change that it tells of (:meth:`Database.writing`).

    Raises RefusedError 422 ``unloggable`` for a text that is too long for its column or holds NUL,
    and for a detail that is no JSON (RFC 8785): a lone surrogate, a number beyond 2^53. An e-mail
    address is refused too: everybody can read the log, and nobody can take anything out of it.
    """
    for column, text in (("actor", actor), ("action", action), ("subject", subject)):
        _require_text(column, text)
    last = connection.execute(
        select(audit.c.seq, audit.c.sha256).order_by(audit.c.seq.desc()).limit(1)
    ).one_or_none()
    entry: dict[str, Any] = {
        "seq": last.seq + 1 if last else 1,
        "at": times.now(),
        "actor": actor,
        "action": action,
        "subject": subject,
        "previous_sha256": last.sha256 if last else FIRST,
    }
    try:
        written = entry["detail"] = canonical(detail).decode()
        sha256 = _sha256(entry)
    except ValueError as error:
        raise RefusedError(
            422, "unloggable", f"{action} {subject!a} cannot be logged: {error}"
        ) from error
    if (found := _EMAIL.search(f"{actor} {subject} {written}")) is not None:
        raise RefusedError(
            422,
            "unloggable",
            f"{found[0]!a} looks like an e-mail address, and everybody can read the log",
        )
    connection.execute(insert(audit).values(entry | {"sha256": sha256}))


def entries(connection: Connection, *, after: int = 0, limit: int = 100) -> list[LogEntry]:
    """Up to ``limit`` (at most 1000) entries that follow the one numbered ``after``.

    Raises BoardError for one that was altered so that it cannot be read.
    """
    rows = connection.execute(
        select(audit)
        .where(audit.c.seq > min(after, _MOST_SEQ))
        .order_by(audit.c.seq)
        .limit(min(limit, _MOST_ROWS))
    )
    return [_entry(row) for row in rows]


def problems(connection: Connection) -> list[str]:
    """Where the log is not as it was written; empty where it is. Reads it once, row after row."""
    found: list[str] = []
    seq, sha256 = 0, FIRST
    rows = connection.execute(
        select(audit).order_by(audit.c.seq), execution_options={"yield_per": _MOST_ROWS}
    )
    for row in rows:
        if row.seq != seq + 1:
            found.append(f"log: entry {seq + 1} is missing: entry {row.seq} comes next")
        elif row.previous_sha256 != sha256:
            found.append(f"log: entry {row.seq} does not follow entry {seq} as that now stands")
        if not _unaltered(row):
            found.append(f"log: entry {row.seq} is not what its hash was made of")
        seq, sha256 = row.seq, row.sha256
    return found


def _require_text(column: str, text: str) -> None:
    most: int = audit.c[column].type.length  # type: ignore[attr-defined]
    if len(text) > most or "\0" in text:
        raise RefusedError(
            422, "unloggable", f"{column}: more than {most} characters, or a NUL, cannot be logged"
        )


def _entry(row: Row[Any]) -> LogEntry:
    try:
        return LogEntry(**dict(row._mapping) | {"detail": read_canonical(row.detail)})
    except (ValueError, RecursionError) as error:
        raise BoardError(f"log: entry {row.seq} was altered: its detail is no JSON") from error


def _unaltered(row: Row[Any]) -> bool:
    entry = dict(row._mapping)
    sha256 = entry.pop("sha256")
    try:
        return bool(sha256 == _sha256(entry))
    except ValueError:
        return False


def _sha256(entry: Mapping[str, Any]) -> str:
    """Of the entry's canonical JSON, in which the detail is the text that is kept."""
    parts = {name: canonical(value) for name, value in entry.items() if name != "detail"}
    return sha256_of(joined(parts | {"detail": entry["detail"].encode()}))
