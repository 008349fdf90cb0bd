"""The ``wattmark`` command: its verbs, its global options, and how errors become exit codes.

Nothing heavy is imported here or at the top of a verb's file, so that ``--help`` is quick.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from wattmark.cli import (
    advise,
    board,
    doctor,
    edition,
    export,
    impact,
    label,
    lifetime,
    listing,
    meter,
    overview,
    pareto,
    plan,
    rate,
    report,
    run,
    serve,
    show,
    sweep,
)
from wattmark.cli.installed import NamesInstalled
from wattmark.errors import WattmarkError, WorkerError

app = typer.Typer(
    name="wattmark",
    help="What does an AI model cost to run, and is it worth it?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.add_typer(plan.app, name="plan")
app.command("list")(listing.list_)
app.command("show")(show.show)
app.command("sweep")(sweep.sweep)
app.command("serve")(serve.serve)
app.command("advise")(advise.advise)
app.command("impact")(impact.impact)
app.command("lifetime")(lifetime.lifetime)
app.command("export", cls=NamesInstalled)(export.export)
app.command("rate", cls=NamesInstalled)(rate.rate)
app.add_typer(edition.app, name="edition")
app.command("label")(label.label)
app.command("pareto")(pareto.pareto)
app.add_typer(board.app, name="board")
app.command("overview")(overview.overview)
app.command("report", cls=NamesInstalled)(report.report)
app.command("doctor")(doctor.doctor)
app.add_typer(meter.app, name="meter")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"wattmark {version('wattmark')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help="Say more; -vv for debugging.")
    ] = 0,
) -> None:
    """What does an AI model cost to run, and is it worth it?"""
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")


def main() -> None:
    """Entry point. Errors go to stderr; exit 2 for input that the user can mend, else 1."""
    try:
        app()
    except WattmarkError as error:
        typer.echo(f"wattmark: {error}", err=True)
        if isinstance(error, WorkerError) and error.last_output:
            typer.echo(f"The worker's last output:\n{error.last_output}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader (head, less) has gone; that is not an error
        sys.exit(0)
