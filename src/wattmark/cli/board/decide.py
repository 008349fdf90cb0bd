"""``wattmark board accept`` and ``reject``: a maintainer's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wattmark.cli.board.database import DatabaseOption, actor, opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

Digest = Annotated[str, typer.Argument(metavar="BUNDLE", help="Its digest, or the start of it.")]


def accept(
    bundle: Digest,
    database: DatabaseOption = None,
    reason: Annotated[str, typer.Option(help="Everybody can read it.")] = "",
) -> None:
    """Put a queued bundle's results on the board."""
    from wattmark.board.intake import submissions

    with opened(database) as board, board.writing() as connection:
        digest = _meant(connection, bundle)
        edition = submissions.accept(connection, digest, by=actor(), reason=reason)
    typer.echo(f"{digest[:12]}: accepted, in edition {edition}")


def reject(
    bundle: Digest,
    reason: Annotated[str, typer.Option(help="Everybody can read it.")],
    database: DatabaseOption = None,
) -> None:
    """Refuse a queued bundle, with the reason."""
    from wattmark.board.intake import submissions

    with opened(database) as board, board.writing() as connection:
        digest = _meant(connection, bundle)
        submissions.reject(connection, digest, by=actor(), reason=reason)
    typer.echo(f"{digest[:12]}: rejected")


def _meant(connection: Connection, start: str) -> str:
    from wattmark.board.intake import submissions
    from wattmark.errors import UnknownNameError

    queued = [s.digest for s in submissions.listed(connection, submissions.Status.QUEUED)]
    found = [digest for digest in queued if start and digest.startswith(start)]
    if len(found) != 1:
        raise UnknownNameError("queued bundle", start, [digest[:12] for digest in queued])
    return found[0]
