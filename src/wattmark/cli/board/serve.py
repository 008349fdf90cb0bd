"""``wattmark board serve``: the leaderboard in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wattmark.cli.board.database import DatabaseOption, opened

if TYPE_CHECKING:
    from wattmark.board.shelf.database import Database


def serve(
    database: DatabaseOption = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
    address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where people reach it, if that is not HOST:PORT."),
    ] = None,
    own_runs: Annotated[
        bool | None,
        typer.Option(
            "--own-runs/--no-own-runs",
            help="Show this machine's runs (default: on the user's own board only).",
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Open it in the browser.")] = False,
) -> None:
    """Start the board; Ctrl-C stops it."""
    from wattmark.errors import MissingPackageError

    with opened(database) as board:
        if board.embedded if own_runs is None else own_runs:
            _take_over(board)
        try:
            from wattmark.board.web.server import listen, run
        except ImportError as error:
            raise MissingPackageError(
                f"{error.name} is not installed, and a board needs it: "
                "pip install 'wattmark[board]'"
            ) from None
        listening = listen(host, port)
        shown = f"[{host}]" if ":" in host else host
        here = f"http://{shown}:{listening.getsockname()[1]}"
        typer.echo(f"The board is at {here} (Ctrl-C stops it)", err=True)
        if browser:
            typer.launch(here)
        run(board, listening, address or here)


def _take_over(board: Database) -> None:
    from wattmark.board.intake.local_runs import take_over

    taken, left_out = take_over(board)
    if taken:
        typer.echo(f"{taken} runs of this machine are on the board now", err=True)
    for reason in left_out:
        typer.echo(f"Not on the board: {reason}", err=True)
