"""``wattmark list``: what is installed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """What can be listed."""

    TASKS = "tasks"
    MODELS = "models"
    FRAMEWORKS = "frameworks"
    METERS = "meters"
    SCENARIOS = "scenarios"
    RUNS = "runs"


def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List tasks, models, frameworks, meters, scenarios or stored runs."""
    import json

    rows = _runs() if kind is Kind.RUNS else _instruments(kind)
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo("  ".join(text for text in row.values() if text))


def _instruments(kind: Kind) -> list[dict[str, str]]:
    from wattmark import registry

    singular = kind.value.removesuffix("s")
    rows = []
    for name in registry.names(singular):
        row = {"name": name}
        if kind is Kind.FRAMEWORKS:
            modes = registry.framework(name).modes
            row["setups"] = ", ".join(f"{name}/{m}/{p.value}" for m in modes for p in modes[m])
        elif kind is Kind.MODELS:
            row["task"] = f"for {registry.model(name).task}"
        elif kind is Kind.METERS:
            row["grade"] = registry.meter(name).grade.value
        rows.append(row)
    return rows


def _runs() -> list[dict[str, str]]:
    from wattmark import runs

    return runs.summaries()
