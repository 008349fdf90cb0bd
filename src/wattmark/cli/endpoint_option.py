"""``--endpoint URL``: with it, a verb of plans becomes its counterpart for servers.

``wattmark run --endpoint URL`` is ``wattmark loadtest URL``: the counterpart reads the rest of the
line, so each option is declared where it means something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from wattmark.cli.checked_command import CheckedCommand

_NAME = "--endpoint"

Endpoint = Annotated[
    str | None,
    typer.Option(
        _NAME, metavar="URL", help="A server in place of a plan; --endpoint URL --help has more."
    ),
]


def with_endpoint(counterpart: Callable[..., None]) -> type[CheckedCommand]:
    """The class of a verb of plans that hands a line with ``--endpoint`` to its counterpart.

    The counterpart's first argument is the URL.
    """

    class VerbOfPlans(CheckedCommand):
        """A command that looks for ``--endpoint`` before it reads its options."""

        def make_context(
            self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
        ) -> Any:
            """The context of this verb, or of its counterpart."""
            url, rest = _taken(args)
            other = _command(counterpart)
            if url is None:
                if name := _foreign(args, self, other):
                    raise typer.BadParameter(f"{name} goes with {_NAME} URL")
                return super().make_context(info_name, args, parent, **extra)
            if name := _foreign(rest, other, self):
                raise typer.BadParameter(f"{_NAME} asks a server: it takes no plan and no {name}")
            return other.make_context(info_name, [url, *rest], parent, **extra)

    return VerbOfPlans


def _command(function: Callable[..., None]) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(cls=CheckedCommand)(function)
    return get_command(app)


def _taken(args: Sequence[str]) -> tuple[str | None, list[str]]:
    """The URL, if one is given, and the other arguments."""
    rest = list(args)
    for at, word in enumerate(rest):
        if word == "--":
            break
        if word == _NAME and at + 1 < len(rest):
            return rest[at + 1], rest[:at] + rest[at + 2 :]
        if word.startswith(f"{_NAME}="):
            return word.removeprefix(f"{_NAME}="), rest[:at] + rest[at + 1 :]
    return None, rest


def _foreign(args: Sequence[str], reader: Any, other: Any) -> str | None:
    """The first option among the arguments that only the other command has."""
    known, others = ({o for p in c.params for o in p.opts} for c in (reader, other))
    named = (word.partition("=")[0] for word in args)
    return next((name for name in named if name.startswith("--") and name in others - known), None)
