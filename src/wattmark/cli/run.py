"""``wattmark run``: run a plan (the quickstart if none is named), print what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

INTERRUPTED_EXIT_CODE = 130
FAILED_TRIALS_EXIT_CODE = 1


def run(
    plan: Annotated[
        Path | None,
        typer.Argument(help="Plan file (YAML, JSON) or packaged plan; left out: quickstart."),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="One process a setup, ±10 %, stop early.")
    ] = False,
    samples: Annotated[int | None, typer.Option(help="How many examples of the task.")] = None,
    budget: Annotated[
        str | None, typer.Option(help="Time for measuring, such as 90s, 4m or 1h.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Finish an interrupted run.")
    ] = None,
    report: Annotated[
        Path, typer.Option("--report", metavar="FILE", help="Where to write the HTML report.")
    ] = Path("report.html"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no table.")] = False,
) -> None:
    """Run a plan and compare its setups."""
    from wattmark import runs
    from wattmark.cli.progress import Progress
    from wattmark.records import StopReason

    with Progress(show=not quiet and not as_json) as progress:
        if resume is not None:
            if plan is not None or fast or samples or budget:
                raise typer.BadParameter("--resume takes the plan of the run; give no other option")
            done = runs.resume(resume, observe=progress)
        else:
            seconds = None if budget is None else parse_duration_s(budget)
            done = runs.run(
                plan, fast=fast, samples=samples, budget_s=seconds, observe=progress
            )  # fmt: skip
    runs.write_report(done, report)
    if as_json:
        typer.echo(done.model_dump_json(indent=1))
    elif not quiet:
        from wattmark.cli.table import print_run

        print_run(done)
        typer.echo(f"\nReport: {report}    Run: {done.id}")
    if done.stop_reason is StopReason.INTERRUPTED:
        typer.echo(f"Interrupted. Finish it with: wattmark run --resume {done.id}", err=True)
        raise typer.Exit(INTERRUPTED_EXIT_CODE)
    if failed := [r for r in done.results if r.status == "failed"]:
        for result in failed:
            assert result.failure is not None
            typer.echo(f"failed: {result.id}: {result.failure.message}", err=True)
        raise typer.Exit(FAILED_TRIALS_EXIT_CODE)


def parse_duration_s(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``4m`` or ``1.5h``."""
    factors = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, factor = (text[:-1], factors[text[-1]]) if text[-1:] in factors else (text, 1.0)
    try:
        seconds = float(number) * factor
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise typer.BadParameter(f"{text!r} is not a duration such as 90s, 4m or 1h")
    return seconds
