"""``wattmark board token``: what programs show to submit to a board: create, list, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wattmark.cli.board.database import DatabaseOption, actor, opened
from wattmark.errors import InputError

if TYPE_CHECKING:
    from wattmark.board.people.tokens import Scope, Token

app = typer.Typer(help="Tokens for programs that submit to a board.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what it is for, such as ci.lab-3.")],
    scope: Annotated[list[str], typer.Option(help="submit or maintain; give it twice for both.")],
    days: Annotated[int, typer.Option(help="For how long it is good.")] = 365,
    database: DatabaseOption = None,
) -> None:
    """Make a token and print it, once."""
    from wattmark.board.people import tokens

    scopes = [_scope(text) for text in scope]
    with opened(database) as board, board.writing() as connection:
        text = tokens.create(connection, name, scopes, by=actor(), days=days)
    typer.echo(text)
    typer.echo(
        "Keep it as you keep a password: it is shown this once, and the board has only its hash.\n"
        f"It is good for {days} days. `wattmark board token revoke {text.split('_')[1]}` ends it.",
        err=True,
    )


@app.command("list")
def list_(database: DatabaseOption = None) -> None:
    """List all tokens, with what they are good for."""
    from wattmark.board.people import tokens
    from wattmark.board.shelf import times

    with opened(database) as board, board.reading() as connection:
        found = tokens.listed(connection)
    for token in found:
        scopes = ",".join(sorted(token.scopes))
        made = f"created {token.created_at} by {token.created_by}"
        typer.echo(f"{token.id}  {token.name}  {scopes}  {_state(token, times.now())}  {made}")


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="See `wattmark board token list`.")],
    database: DatabaseOption = None,
) -> None:
    """Make a token good for nothing, at once."""
    from wattmark.board.people import tokens

    with opened(database) as board, board.writing() as connection:
        tokens.revoke(connection, id, by=actor())
    typer.echo(f"{id}: revoked")


def _scope(text: str) -> Scope:
    from wattmark.board.people.tokens import Scope

    try:
        return Scope(text)
    except ValueError:
        known = " or ".join(Scope)
        raise InputError(f"--scope: {text!r} is not a scope: {known}") from None


def _state(token: Token, now: str) -> str:
    if token.revoked_at is not None:
        return f"revoked {token.revoked_at}"
    if token.expires_at is None:
        return "good until revoked"
    return f"{'expired' if token.expires_at <= now else 'good until'} {token.expires_at}"
