"""``wattmark board verify``: the log, the bundles and the frozen editions are as they were."""

from __future__ import annotations

import typer

from wattmark.cli.board.database import DatabaseOption, opened


def verify(database: DatabaseOption = None) -> None:
    """Check the whole board; what was changed is said, with a non-zero exit."""
    from wattmark.board.shelf.verification import problems

    with opened(database) as board, board.reading() as connection:
        found = list(problems(connection))
    for problem in found:
        typer.echo(problem)
    if found:
        raise typer.Exit(1)
    typer.echo("as it was")
