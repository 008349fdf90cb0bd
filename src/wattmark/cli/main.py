"""The ``wattmark`` command: its global options, and how errors become exit codes.

Nothing heavy is imported here or at the top of a verb's file, so that ``--help`` is quick. The
verbs are listed in :mod:`wattmark.cli.verbs`.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Any

import typer

from wattmark.cli.exit_codes import INTERRUPTED
from wattmark.cli.verbs import Verbs

app = typer.Typer(
    name="wattmark",
    cls=Verbs,
    help="What does an AI model cost to run, and is it worth it?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from wattmark.machine.installed import version_of

        typer.echo(f"wattmark {version_of('wattmark')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say more.")] = False,
    debug: Annotated[
        bool, typer.Option("-vv", "--debug", help="Say what happens within, and where it failed.")
    ] = False,
) -> None:
    """What does an AI model cost to run, and is it worth it?"""
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")


def main() -> None:
    """Entry point. Whatever fails is one sentence on stderr and an exit code."""
    from wattmark.cli.terminal import degrade_characters

    degrade_characters()
    sys.exit(_status())


def _status() -> int:
    """The exit code of the verb that the command line asks for."""
    command: Any = typer.main.get_command(app)
    try:
        with command.make_context("wattmark", sys.argv[1:]) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as done:
        return done.exit_code
    except (typer.TyperException, typer.Abort) as error:
        return _usage(error)
    except BrokenPipeError:  # the reader (head, less) has gone; that is not an error
        from wattmark.cli.failures import drop_output

        drop_output()
    except BaseException as error:  # noqa: BLE001 - the last place that one reaches
        return _failed(error)
    return 0


def _usage(error: Exception) -> int:
    """Say what is wrong with the command line."""
    if isinstance(error, typer.Abort):
        typer.echo("wattmark: interrupted", err=True)
        return INTERRUPTED
    show = getattr(error, "show", lambda: typer.echo(f"wattmark: {error}", err=True))
    show()
    return int(getattr(error, "exit_code", 2))


def _failed(error: BaseException) -> int:
    """Say what went wrong; ``-vv`` shows where."""
    from wattmark.cli.failures import drop_output, failure

    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, OSError):
        drop_output()  # it may be the output that cannot be written
    logging.getLogger(__name__).debug("it came from here", exc_info=error)
    said = failure(error)
    typer.echo(f"wattmark: {said.sentence}", err=True)
    return said.exit_code
