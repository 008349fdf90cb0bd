"""What parameters of the API may hold; what a database or a browser cannot hold is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy import Connection

from wattmark.board.shelf import catalogue
from wattmark.board.shelf.catalogue import EditionInfo
from wattmark.errors import RefusedError

#: The greatest number that the databases hold.
MOST_ID = 2**63 - 1

_TEXT = r"^[^\x00]+$"
_Text = Annotated[str, StringConstraints(max_length=300, pattern=_TEXT)]
_Edition = Annotated[str, StringConstraints(max_length=7, pattern=r"^[0-9]{4}-H[12]$")]
_Grade = Literal["metered", "counted", "modelled", "parametric", "unknown"]
_Stars = Annotated[int, Query(ge=1, le=5)]

#: Left out of a query, they are None; null is nothing that a query can say.
Text = _Text | SkipJsonSchema[None]
GradeAsked = _Grade | SkipJsonSchema[None]
StarsAsked = _Stars | SkipJsonSchema[None]
EditionAsked = Annotated[
    _Edition | SkipJsonSchema[None],
    Query(description="An edition, such as 2026-H2; left out: the newest."),
]
TaskAsked = Annotated[Text, Query(description="A task, by name; left out: all.")]

EditionNamed = Annotated[_Edition, Path(description="An edition, such as 2026-H2.")]
ResultId = Annotated[int, Path(ge=1, le=MOST_ID, description="The board's number of a result.")]
Digest = Annotated[
    str,
    Path(
        min_length=64,
        max_length=64,
        pattern=r"^[0-9a-f]{64}$",
        description="sha256 of a bundle's canonical JSON (RFC 8785), in hexadecimal digits.",
    ),
]


def edition_asked(connection: Connection, name: str | None) -> EditionInfo:
    """The edition of that name, or the newest. Raises RefusedError 404 ``no_edition``."""
    known = catalogue.editions(connection)
    found = next((e for e in known if name in (None, e.name)), None)
    if found is None:
        said = f"there is no edition {name}" if name else "the board has no edition yet"
        raise RefusedError(404, "no_edition", said)
    return found
