"""``wattmark show``: a stored run, or the card of a task or model, in the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

_CARDS = ("task", "model")


def show(
    what: Annotated[
        str,
        typer.Argument(
            help="A run's id, a unique prefix of it, or 'latest'; or 'task' or 'model' and a name."
        ),
    ],
    name: Annotated[str | None, typer.Argument(help="Name of the task or model.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
) -> None:
    """Show a run's table and conclusions, or the card of a task or a model."""
    if name is not None:
        if what not in _CARDS:
            raise typer.BadParameter(f"{what!r} has no cards; 'task' and 'model' have")
        from wattmark import registry

        typer.echo(registry.card(what, name))
        return
    if what in _CARDS:
        raise typer.BadParameter(f"show {what} NAME: `wattmark list {what}s` names them")
    from wattmark.workflows import kinds

    loaded = kinds.load(what)
    if as_json:
        typer.echo(loaded.model_dump_json(indent=1))
        return
    from wattmark.cli.table import print_shown

    print_shown(kinds.shown(loaded))
