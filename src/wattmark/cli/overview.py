"""``wattmark overview``: every task by every setup that ran, from the stored runs."""

from __future__ import annotations

from typing import Annotated

import typer


def overview(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Runs; left out: the newest of each plan."),
    ] = None,
) -> None:
    """Print a Markdown table of tasks and setups with quality and energy."""
    from wattmark.reports.overview import render_overview
    from wattmark.workflows import runs

    loaded = [runs.load(name) for name in names] if names else runs.finished()
    if not loaded:
        typer.echo("no run is stored yet: `wattmark run plans/all-tasks.yaml` makes some", err=True)
        raise typer.Exit(1)
    typer.echo(render_overview(loaded), nl=False)
