"""``wattmark board export``: all results of an edition, as a file that ``wattmark rate`` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattmark.cli.board.database import DatabaseOption, opened
from wattmark.errors import BoardError, InputError, UnknownNameError


def export(
    edition: Annotated[str, typer.Argument(help="Such as 2026-H2.")],
    out: Annotated[Path, typer.Option(help="The file: .parquet, .json or .csv.")],
    task: Annotated[str | None, typer.Option(help="One task only.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Write all results of an edition with their stars, and say how to recompute them."""
    from wattmark.assets.whole_file import whole_file
    from wattmark.board.shelf import catalogue, tables_out
    from wattmark.board.shelf.tables_out import Form

    try:
        form = Form(out.suffix.removeprefix("."))
    except ValueError:
        raise InputError(f"--out: {out} does not end in .parquet, .json or .csv") from None
    if not out.parent.is_dir():
        raise BoardError(f"{out} cannot be written: there is no folder {out.parent}")
    with opened(database) as board, board.reading() as connection:
        known = {e.name: e for e in catalogue.editions(connection)}
        if edition not in known:
            raise UnknownNameError("edition", edition, known)
        try:
            with whole_file(out) as file:
                count = tables_out.write(connection, edition, file, form, task=task)
        except OSError as error:
            raise BoardError(f"{out} cannot be written: {error.strerror}") from error
    typer.echo(f"{out}: {count} results")
    typer.echo(tables_out.recompute_command(edition, file=str(out), rule=known[edition].rule))
