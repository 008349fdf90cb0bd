"""``wattmark plan check`` and ``wattmark plan schema``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check a plan, or print the schema of plans.", no_args_is_help=True)


@app.command()
def check(
    plan: Annotated[
        Path | None, typer.Argument(help="Plan, suite or packaged one; left out: quickstart.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the full plan as JSON.")] = False,
) -> None:
    """Say whether a plan can be run here, and what it would do."""
    from wattmark.planning.plans import check_plan
    from wattmark.planning.suites import load
    from wattmark.records import Suite

    loaded = load(plan)
    if as_json:
        typer.echo(loaded.model_dump_json(indent=1))
        return
    for each in loaded.plans if isinstance(loaded, Suite) else (loaded,):
        for note in check_plan(each):
            typer.echo(f"{each.name}: {note}" if isinstance(loaded, Suite) else note)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a plan."""
    import json

    from wattmark.planning.plans import plan_schema

    typer.echo(json.dumps(plan_schema(), indent=1))
