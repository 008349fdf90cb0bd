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
    """Print or write a report of a run of any kind."""
    from wattmark.outside.files import naming
    from wattmark.workflows import kinds

    text = kinds.report(kinds.load(run), format_)
    if output is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        with naming(output):
            output.write_text(text, encoding="utf-8")
