"""``wattmark board submit``: a run goes to a board, where a maintainer looks at it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattmark.cli.board.database import DatabaseOption, actor, opened
from wattmark.errors import InputError

if TYPE_CHECKING:
    from wattmark.board.intake.client import Receipt
    from wattmark.records import Bundle

_TOKEN = "WATTMARK_BOARD_TOKEN"


def submit(
    run: Annotated[
        str, typer.Argument(help="A run's id, a unique prefix of it, or 'latest'.")
    ] = "latest",
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The board's address (default: the board of this machine, by its database).",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help=f"A file with the token, or - for stdin (default: from the variable {_TOKEN})."
        ),
    ] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Send the token without encryption.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Send a run to a board; the same run again is the same submission."""
    from wattmark.board.intake.client import send
    from wattmark.workflows import runs

    bundle = runs.bundle(run)
    if to is None:
        found = _queued(bundle, database)
    else:
        found = send(bundle, to, _token(token_file), plain_http=plain_http)
    state = f"{found.status}" if found.new else f"{found.status}, sent before"
    typer.echo(f"{bundle.run.id}: {state}, bundle {found.digest}")
    for finding in found.findings:
        typer.echo(f"  {finding}")


def _queued(bundle: Bundle, database: str | None) -> Receipt:
    from wattmark.board.intake import submissions
    from wattmark.board.intake.client import Receipt

    with opened(database) as board, board.writing() as connection:
        found, new = submissions.receive(connection, bundle, by=actor())
    said = tuple(": ".join(filter(None, (f.where, f.message))) for f in found.findings)
    return Receipt(found.digest, found.status, new, said)


def _token(file: Path | None) -> str:
    """The token; it is no option, since options show in the list of processes."""
    if file is None:
        if token := os.environ.get(_TOKEN, ""):
            return token
        raise InputError(f"no token: set {_TOKEN}, or name a file with --token-file")
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--token-file: {file} cannot be read: {error}") from None
    return text
