"""``/audit``: the log of what was decided, for anybody to check."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from wattmark.board.api.errors import refusals
from wattmark.board.api.parameters import MOST_ID
from wattmark.board.shelf import audit_log
from wattmark.board.shelf.audit_log import LogEntry
from wattmark.board.web.services import Services


class Log(BaseModel):
    """A part of the log, the oldest entry first."""

    entries: list[LogEntry]
    next: int | None = Field(description="`after` of the next part; null where this is the end.")


def routes(services: Services) -> APIRouter:
    """The operation ``listAudit``."""
    router = APIRouter(tags=["board"])

    @router.get("/audit", operation_id="listAudit", responses=refusals(422))
    def log(
        after: Annotated[int, Query(ge=0, le=MOST_ID, description="Entries behind this one.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000, description="So many at most.")] = 100,
    ) -> Log:
        """The append-only log of decisions.

        The sha256 of an entry is that of the canonical JSON (RFC 8785) of its other fields;
        previous_sha256 is that of the entry before, and 64 zeros in the first.
        """
        with services.database.reading() as connection:
            found = audit_log.entries(connection, after=after, limit=limit)
        return Log(entries=found, next=found[-1].seq if len(found) == limit else None)

    return router
