"""What becomes of a bundle: received, validated, queued; accepted or refused by a maintainer.

Each step is one change of the database, so that a bundle is there whole or not at all, and a
sender who was told "received" finds it there after any crash. The same bundle again is the same
submission.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select, update

from wattmark.board.intake.bundle import is_text
from wattmark.board.intake.entries import rows_of
from wattmark.board.intake.plausibility import Finding, findings
from wattmark.board.shelf import audit_log, tables, times
from wattmark.board.shelf.standings import edition_for, place
from wattmark.errors import RefusedError
from wattmark.records import Bundle, Run

_B, _R = tables.bundles, tables.results
_FINDINGS = TypeAdapter(list[Finding])
_MOST_REASON = 2000


class Status(StrEnum):
    """Where a submission stands."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Submission:
    """A bundle with what became of it; ``decision_reason`` is the maintainer's word."""

    digest: str
    status: Status
    submitted_at: str
    submitted_by: str
    token_id: str | None
    run_id: str
    task: str
    model: str
    results: int
    findings: tuple[Finding, ...]
    decided_at: str | None
    decided_by: str | None
    decision_reason: str | None


def receive(
    connection: Connection, bundle: Bundle, *, by: str, token_id: str | None = None
) -> tuple[Submission, bool]:
    """Queue a bundle: the submission, and whether it is new.

    A bundle that is there already stays as it is. Raises RefusedError (422) with everything that
    cannot be true, and (409) where all its results are on the board already in other bundles.
    """
    known = find(connection, bundle.digest)
    if known is not None:
        return known, False
    rows = rows_of(bundle)
    found = findings(bundle.run, datetime.now(UTC))
    errors = [f for f in found if f.severity == "error"]
    if errors:
        said = "; ".join(": ".join(filter(None, (f.where, f.message))) for f in errors[:10])
        raise RefusedError(422, "implausible", said)
    found += _duplicates(connection, bundle, rows)
    connection.execute(
        insert(_B).values(
            digest=bundle.digest,
            status=Status.QUEUED.value,
            submitted_at=times.now(),
            submitted_by=by,
            token_id=token_id,
            run_id=bundle.run.id,
            task=bundle.run.task.name,
            model=bundle.run.model.name,
            results=len(rows),
            document=bundle.document,
            findings=_FINDINGS.dump_python(found, mode="json"),
        )
    )
    audit_log.append(connection, by, "submit", bundle.digest, run=bundle.run.id, results=len(rows))
    made = find(connection, bundle.digest)
    assert made is not None
    return made, True


def accept(connection: Connection, digest: str, *, by: str, reason: str = "") -> str:
    """Put a queued bundle's results on the board: the edition that took them.

    Raises RefusedError (404, 409) where it is not queued.
    """
    document = _queued(connection, digest)
    rows = rows_of(document)
    known = set(
        connection.scalars(select(_R.c.sha256).where(_R.c.sha256.in_([r["sha256"] for r in rows])))
    )
    new = [row for row in rows if row["sha256"] not in known]
    for row in new:
        row["id"] = connection.execute(insert(_R).returning(_R.c.id), row).scalar_one()
    edition = edition_for(connection, times.today(), by=by)
    place(connection, edition, new)
    _decide(connection, digest, Status.ACCEPTED, by, reason, edition=edition, results=len(new))
    return edition


def reject(connection: Connection, digest: str, *, by: str, reason: str) -> None:
    """Refuse a queued bundle, with the reason. Raises RefusedError (404, 409, 422)."""
    if not reason.strip():
        raise RefusedError(422, "no_reason", "a rejection says why")
    _queued(connection, digest)
    _decide(connection, digest, Status.REJECTED, by, reason)


def find(connection: Connection, digest: str) -> Submission | None:
    """The submission of that digest."""
    columns = [c for c in _B.c if c.name != "document"]
    row = connection.execute(select(*columns).where(_B.c.digest == digest)).mappings().one_or_none()
    return None if row is None else _submission(row)


def document_of(connection: Connection, digest: str) -> bytes | None:
    """The bundle itself, as it was hashed."""
    found: bytes | None = connection.scalar(select(_B.c.document).where(_B.c.digest == digest))
    return found


def listed(
    connection: Connection, status: Status | None = None, *, limit: int = 100, offset: int = 0
) -> list[Submission]:
    """Submissions, the oldest first."""
    columns = [c for c in _B.c if c.name != "document"]
    query = select(*columns).order_by(_B.c.submitted_at, _B.c.digest).limit(limit).offset(offset)
    if status is not None:
        query = query.where(_B.c.status == status.value)
    return [_submission(row) for row in connection.execute(query).mappings()]


def _submission(row: Any) -> Submission:
    return Submission(
        **{**row, "status": Status(row["status"])}
        | {"findings": tuple(_FINDINGS.validate_python(row["findings"]))}
    )


def _duplicates(
    connection: Connection, bundle: Bundle, rows: Sequence[dict[str, Any]]
) -> list[Finding]:
    """What is there already, for the maintainer. Raises RefusedError where nothing is new."""
    shas = [row["sha256"] for row in rows]
    there = set(connection.scalars(select(_R.c.sha256).where(_R.c.sha256.in_(shas))))
    if there and there == set(shas):
        raise RefusedError(409, "duplicate", "all its results are on the board already")
    found = [
        Finding(
            severity="warning",
            code="duplicate",
            where=row["setup"],
            message="this very result is on the board already",
        )
        for row in rows
        if row["sha256"] in there
    ]
    same_run = select(_B.c.digest).where(_B.c.run_id == bundle.run.id).limit(1)
    if connection.scalar(same_run) is not None:
        message = f"another bundle of run {bundle.run.id} was submitted: a correction?"
        found.append(Finding(severity="warning", code="same_run", message=message))
    return found


def _queued(connection: Connection, digest: str) -> Bundle:
    row = connection.execute(
        select(_B.c.status, _B.c.document).where(_B.c.digest == digest)
    ).one_or_none()
    if row is None:
        raise RefusedError(404, "no_bundle", f"there is no bundle {digest[:64]}")
    if row.status != Status.QUEUED:
        raise RefusedError(409, "decided", f"bundle {digest[:12]} is {row.status} already")
    return Bundle(digest, row.document, Run.model_validate_json(row.document))


def _decide(
    connection: Connection, digest: str, status: Status, by: str, reason: str, **detail: Any
) -> None:
    if len(reason) > _MOST_REASON or not is_text(reason):
        raise RefusedError(422, "bad_reason", f"a reason is text of at most {_MOST_REASON} letters")
    changed = connection.execute(
        update(_B)
        .where(_B.c.digest == digest, _B.c.status == Status.QUEUED.value)
        .values(
            status=status.value,
            decided_at=times.now(),
            decided_by=by,
            decision_reason=reason.strip() or None,
        )
    )
    if changed.rowcount != 1:
        raise RefusedError(409, "decided", f"bundle {digest[:12]} was decided meanwhile")
    action = "accept" if status is Status.ACCEPTED else "reject"
    audit_log.append(connection, by, action, digest, reason=reason.strip(), **detail)
