"""``wattmark run --endpoint``: put a load to a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from wattmark.cli.durations import parse_duration_s

if TYPE_CHECKING:
    from wattmark.records import EndpointRun

INTERRUPTED_EXIT_CODE = 130
NOTHING_VALID_EXIT_CODE = 1


def endpoint_fields(
    url: str,
    model: str | None,
    qps: float | None,
    budget: str | None,
    samples: int | None,
    meters: Sequence[str] | None,
    others: Mapping[str, Any],
) -> dict[str, Any]:
    """What was said of a load, as fields of an EndpointPlan; one client where nothing was."""
    if model is None:
        raise typer.BadParameter("--endpoint needs --model NAME, as the server names it")
    said = {
        "url": url,
        "model": model,
        "rate_per_s": qps,
        "budget_s": None if budget is None else parse_duration_s(budget),
        "samples": samples,
        "meters": tuple(meters) if meters else None,
        **others,
    }
    said = {key: value for key, value in said.items() if value is not None}
    if "concurrency" not in said and qps is None:
        said["concurrency"] = 1
    return {"api": "openai", **said}


def run_endpoint(said: Mapping[str, Any], *, as_json: bool, quiet: bool) -> int:
    """Run the load and print what came of it; returns the exit status."""
    from wattmark import endpoint_runs
    from wattmark.cli.progress import Progress

    plan = endpoint_runs.endpoint_plan(said)
    with Progress(not quiet and not as_json) as progress:
        run = endpoint_runs.run_endpoint(plan, observe=progress)
    if as_json:
        typer.echo(run.model_dump_json(indent=1))
    elif not quiet:
        print_endpoint_runs([run])
        typer.echo(f"Run: {run.id}")
    return exit_status([run])


def print_endpoint_runs(runs: Sequence[EndpointRun]) -> None:
    """One table for all, and what there is to say of each."""
    from rich.table import Table
    from rich.text import Text

    from wattmark.cli.columns import stdout
    from wattmark.reports.endpoint_table import endpoint_sentences, endpoint_table

    console = stdout(width=320)
    first = runs[0].plan
    model = endpoint_table(runs)
    title = Text(f"{first.model} at {first.url} ({first.api})")
    if len(runs) == 1:
        drawn = Table(title=title, show_header=False)
        for column, cell in zip(model.columns, model.rows[0].cells, strict=True):
            drawn.add_row(Text(column.title), Text(cell.text))
    else:
        drawn = Table(title=title, header_style="bold")
        for column in model.columns:
            drawn.add_column(Text(column.title), justify="right" if column.numeric else "left")
        for row in model.rows:
            drawn.add_row(*(Text(cell.text) for cell in row.cells))
    console.print(drawn)
    sentences = dict.fromkeys(sentence for run in runs for sentence in endpoint_sentences(run))
    for sentence in sentences:
        console.print(Text(f"• {sentence}"))


def exit_status(runs: Sequence[EndpointRun]) -> int:
    """130 after Ctrl-C, 1 where nothing valid came out, else 0."""
    if any(run.result.stopped == "interrupted" for run in runs):
        return INTERRUPTED_EXIT_CODE
    return 0 if any(run.result.valid for run in runs) else NOTHING_VALID_EXIT_CODE
