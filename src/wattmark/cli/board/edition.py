"""``wattmark board edition``: open an edition of the board, or freeze it for good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattmark.cli.board.database import DatabaseOption, actor, opened

app = typer.Typer(help="Open and freeze the board's editions.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A half-year, such as 2026-H2.")]


@app.command("open")
def open_(
    name: Name,
    rule: Annotated[
        str | None,
        typer.Option(help="{rules}; left out: that of the edition before it."),
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(
            help="For a rule that needs limits; left out: those of the edition before it."
        ),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Begin an edition with the results of the one before it, rated anew."""
    from wattmark.board.shelf import standings
    from wattmark.editions.edition_files import limits_in

    given = None if limits is None else limits_in(limits)
    with opened(database) as board, board.writing() as connection:
        standings.open_edition(connection, name, rule, by=actor(), limits=given)
    typer.echo(f"{name}: open")


@app.command()
def freeze(name: Name, database: DatabaseOption = None) -> None:
    """Freeze an edition: its stars, its document and its digest."""
    from wattmark.board.shelf import standings, times

    with opened(database) as board, board.writing() as connection:
        made = standings.freeze(connection, name, times.today(), by=actor())
    rated = sum(star.stars is not None for star in made.stars)
    typer.echo(f"{name}: {rated} of {len(made.entries)} results rated, digest {made.digest}")
