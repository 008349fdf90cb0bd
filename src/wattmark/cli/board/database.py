"""Which board a verb is about."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.board.shelf.database import Database

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="WATTMARK_BOARD_DATABASE",
        help="postgresql+psycopg://... or sqlite:///FILE (default: the user's own board).",
    ),
]


def opened(url: str | None) -> Database:
    """The board's database. Raises BoardError."""
    from wattmark.errors import MissingPackageError

    try:
        from wattmark.board.shelf.database import Database
    except ImportError as error:
        raise MissingPackageError(
            f"{error.name} is not installed, and a board needs it: pip install 'wattmark[board]'"
        ) from None
    return Database.open(url)


def actor() -> str:
    """Who types, for the log: the user's name, without the domain that some names have."""
    try:
        name = getpass.getuser().partition("@")[0]
    except KeyError:  # a container's user may have a number only
        name = str(os.getuid())
    return f"cli:{name}"
