"""What the addresses of pages may hold, and links to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Path, Query
from sqlalchemy import Connection

from wattmark.board.shelf import catalogue
from wattmark.errors import RefusedError

#: Text without control characters, as long as a column.
_TEXT = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str | None, Query(max_length=300, pattern=_TEXT)]
_EDITION = r"^[0-9]{4}-H[12]$"
EditionName = Annotated[str | None, Query(max_length=20, pattern=_EDITION)]
EditionInPath = Annotated[str, Path(max_length=20, pattern=_EDITION)]
ResultId = Annotated[int, Path(ge=1, le=2**63 - 1)]


def edition_asked(connection: Connection, name: str | None) -> catalogue.EditionInfo | None:
    """The edition of that name, or the newest; None where the board is empty.

    Raises RefusedError (404) where there is none of that name.
    """
    return edition_among(catalogue.editions(connection), name)


def edition_among(
    known: Sequence[catalogue.EditionInfo], name: str | None
) -> catalogue.EditionInfo | None:
    """As :func:`edition_asked`, of the editions of the board (`catalogue.editions`)."""
    if name is None:
        return known[0] if known else None
    for edition in known:
        if edition.name == name:
            return edition
    raise RefusedError(404, "no_edition", f"there is no edition {name}")


def link(path: str, **values: object) -> str:
    """An address with its query; what is None or empty is left out."""
    given = {key: value for key, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def model_path(model: str) -> str:
    """The page of a model; a slash in its name stays one."""
    return f"/models/{quote(model, safe='/:@')}"


def task_path(task: str) -> str:
    """The leaderboard of a task."""
    return f"/tasks/{quote(task, safe='')}"
