"""``wattmark report``: a stored run as a document."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[str, typer.Argument(help="A run's id, a unique prefix of it, or 'latest'.")],
    format_: Annotated[str, typer.Option("--format", help="{reports}.")] = "md",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; left out: print it.")
    ] = None,
) -> None:
    """Print or write a report of a run."""
    from wattmark.workflows import runs

    text = runs.report(runs.load(run), format_)
    if output is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        output.write_text(text, encoding="utf-8")
