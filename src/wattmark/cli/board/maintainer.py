"""``wattmark board maintainer``: the people who decide what comes onto a board."""

from __future__ import annotations

from typing import Annotated

import typer

from wattmark.cli.board.database import DatabaseOption, actor, opened
from wattmark.errors import InputError

app = typer.Typer(help="People who decide what comes onto a board.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name to log in with.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin: one line.")
]
#: A line that is longer than any password is not read to its end.
_MOST_BYTES = 8192


@app.command()
def add(name: Name, from_stdin: FromStdin = False, database: DatabaseOption = None) -> None:
    """Add a maintainer, with a password of at least 12 characters."""
    from wattmark.board.people import maintainers

    with opened(database) as board:
        password = _password(from_stdin)
        with board.writing() as connection:
            maintainers.add(connection, name, password, actor())
    typer.echo(f"{name}: added")


@app.command("password")
def password_(name: Name, from_stdin: FromStdin = False, database: DatabaseOption = None) -> None:
    """Give a maintainer another password; who is logged in under the name is logged out."""
    from wattmark.board.people import maintainers

    with opened(database) as board:
        password = _password(from_stdin)
        with board.writing() as connection:
            maintainers.set_password(connection, name, password, actor())
    typer.echo(f"{name}: password changed")


@app.command()
def disable(name: Name, database: DatabaseOption = None) -> None:
    """Take a maintainer's rights away, at once and for good."""
    from wattmark.board.people import maintainers

    with opened(database) as board, board.writing() as connection:
        maintainers.disable(connection, name, actor())
    typer.echo(f"{name}: disabled")


def _password(from_stdin: bool) -> str:
    if not from_stdin:
        text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return text
    line = typer.get_binary_stream("stdin").readline(_MOST_BYTES)
    try:
        return line.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise InputError("--password-stdin: the line is not UTF-8") from None
