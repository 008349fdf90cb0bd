"""``wattmark run --endpoint``: put a load to a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from wattmark.cli.durations import parse_duration_s
from wattmark.cli.exit_codes import INTERRUPTED, NOTHING_VALID

if TYPE_CHECKING:
    from wattmark.records import EndpointRun


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
        "budget_s": _seconds(budget),
        "timeout_s": _seconds(others.get("timeout")),
        "samples": samples,
        "meters": tuple(meters) if meters else None,
        **{key: value for key, value in others.items() if key != "timeout"},
    }
    said = {key: value for key, value in said.items() if value is not None}
    if "concurrency" not in said and qps is None:
        said["concurrency"] = 1
    return {"api": "openai", **said}


def _seconds(duration: str | None) -> float | None:
    return None if duration is None else parse_duration_s(duration)


def run_endpoint(said: Mapping[str, Any], *, as_json: bool, quiet: bool) -> int:
    """Run the load and print what came of it; returns the exit status."""
    from wattmark.cli.progress import Progress
    from wattmark.workflows import endpoint_runs

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

    from wattmark.cli.columns import drawn, stdout
    from wattmark.reports.endpoint_table import endpoint_sentences, endpoint_table

    console = stdout(width=320)
    first = runs[0].plan
    model = endpoint_table(runs)
    title = f"{first.model} at {first.url} ({first.api})"
    if len(runs) == 1:
        table = Table(title=Text(title), show_header=False)
        for column, cell in zip(model.columns, model.rows[0].cells, strict=True):
            table.add_row(Text(column.title), Text(cell.text))
    else:
        table = drawn(model, title)
    console.print(table)
    sentences = dict.fromkeys(sentence for run in runs for sentence in endpoint_sentences(run))
    for sentence in sentences:
        console.print(Text(f"• {sentence}"))


def exit_status(runs: Sequence[EndpointRun]) -> int:
    """130 after Ctrl-C, 1 where nothing valid came out, else 0."""
    if any(run.result.stopped == "interrupted" for run in runs):
        return INTERRUPTED
    return 0 if any(run.result.valid for run in runs) else NOTHING_VALID
