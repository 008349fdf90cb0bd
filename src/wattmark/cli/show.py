"""``wattmark show``: a stored run, in the terminal."""

from __future__ import annotations

from typing import Annotated

import typer


def show(
    run: Annotated[str, typer.Argument(help="A run's id, a unique prefix of it, or 'latest'.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
) -> None:
    """Show a run's table and conclusions."""
    from wattmark import runs

    loaded = runs.load(run)
    if as_json:
        typer.echo(loaded.model_dump_json(indent=1))
        return
    from wattmark.cli.table import print_run

    print_run(loaded)
