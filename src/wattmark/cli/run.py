"""``wattmark run``: run a plan (the quickstart if none is named) or a suite of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattmark.cli import options
from wattmark.cli.durations import parse_duration_s
from wattmark.cli.endpoint_option import Endpoint
from wattmark.cli.exit_codes import INTERRUPTED
from wattmark.outside.files import writable

if TYPE_CHECKING:
    from wattmark.records import Run, Suite

FAILED_TRIALS_EXIT_CODE = 1

Budget = Annotated[
    str | None, typer.Option(help="Time for measuring in all, such as 90s, 4m or 1h.")
]
Data = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME[=folder:PATH]", help="Public data set (repeatable), or aies."),
]
ReasoningTokens = Annotated[
    str | None, typer.Option(metavar="N|free", help="Tokens of every answer: a number, or free.")
]
Scenario = Annotated[
    str | None,
    typer.Option(help="MLPerf's LoadGen drives: single-stream, multi-stream, offline, server."),
]
TargetLatency = Annotated[
    str | None, typer.Option(help="Server: the bound of 99 % of the latencies, such as 50ms.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="LoadGen's tests as long as MLPerf's rules want them.")
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where the HTML report goes; report[-PLAN].html."),
]


def run(
    plan: Annotated[
        Path | None,
        typer.Argument(help="Plan or suite (YAML, JSON) or a packaged one; left out: quickstart."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Of a suite: this plan or task (repeatable).")
    ] = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="One process a setup, stop early: ±33 % where the machine has no history.",
        ),
    ] = False,
    samples: options.Samples = None,
    budget: Budget = None,
    model: Annotated[str | None, typer.Option(help="Another model for the plan's task.")] = None,
    data: Data = None,
    cost_only: Annotated[
        bool, typer.Option("--cost-only", help="Measure no quality: for data without labels.")
    ] = False,
    reasoning_tokens: ReasoningTokens = None,
    scenario: Scenario = None,
    qps: Annotated[float | None, typer.Option(help="Server: queries a second.")] = None,
    target_latency: TargetLatency = None,
    strict: Strict = False,
    endpoint: Endpoint = None,  # with it, `loadtest` has the line: see endpoint_option
    meter: options.Meters = None,
    whole_node: options.WholeNode = False,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Finish an interrupted run.")
    ] = None,
    report: Report = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a plan and compare its setups, or the plans of a suite one after another."""
    changes: dict[str, Any] = {
        "fast": fast,
        "samples": samples,
        "model": model,
        "data": data,
        "cost_only": cost_only or None,
        "options": {"tokens": reasoning_tokens} if reasoning_tokens else None,
        "meters": meter,
        "whole_node": whole_node or None,
        "scenario": scenario,
        "mlperf": _mlperf(qps, target_latency, strict),
    }
    output = _Output(report or Path("report.html"), as_json, quiet)
    writable(output.report)
    if resume is None:
        raise typer.Exit(_run(plan, only or (), budget, changes, output))
    if any((plan, only, budget, *changes.values())):
        raise typer.BadParameter("--resume takes the plan of the run; give no other option")
    raise typer.Exit(_resume(resume, output))


@dataclass(frozen=True)
class _Output:
    """Where a run's report goes, and what is printed of it."""

    report: Path
    as_json: bool
    quiet: bool

    @property
    def show(self) -> bool:
        """Whether progress is shown."""
        return not self.quiet and not self.as_json

    def of_plan(self, name: str) -> _Output:
        """The output of one plan of a suite."""
        return replace(self, report=self.report.with_stem(f"{self.report.stem}-{name}"))


def _resume(name: str, output: _Output) -> int:
    from wattmark.cli.progress import Progress
    from wattmark.workflows import runs

    with Progress(output.show) as progress:
        done = runs.resume(name, observe=progress)
    return _present(done, output)


def _run(
    plan: Path | None,
    only: Sequence[str],
    budget: str | None,
    changes: dict[str, Any],
    output: _Output,
) -> int:
    from wattmark.cli.progress import Progress
    from wattmark.records import Suite
    from wattmark.workflows import runs

    loaded = runs.read(plan)
    if only and not isinstance(loaded, Suite):
        raise typer.BadParameter("--only picks plans of a suite, and this is a single plan")
    seconds = None if budget is None else parse_duration_s(budget)
    if isinstance(loaded, Suite):
        return _run_all(runs.narrowed(loaded, only, seconds), changes, output)
    with Progress(output.show) as progress:
        done = runs.run(loaded, budget_s=seconds, observe=progress, **changes)
    return _present(done, output)


def _mlperf(qps: float | None, target_latency: str | None, strict: bool) -> dict[str, Any]:
    """What was said of LoadGen's tests."""
    limit_ms = None if target_latency is None else 1e3 * parse_duration_s(target_latency)
    said = {"target_qps": qps, "target_latency_ms": limit_ms, "strict": strict or None}
    return {key: value for key, value in said.items() if value is not None}


def _run_all(suite: Suite, changes: dict[str, Any], output: _Output) -> int:
    """Run the plans in order; one that cannot be run is told, and the others go on."""
    from wattmark.cli.progress import Progress
    from wattmark.errors import WattmarkError
    from wattmark.workflows import runs

    status = 0
    for number, plan in enumerate(suite.plans, 1):
        if output.show:
            typer.echo(f"{number}/{len(suite.plans)}  {plan.name}", err=True)
        try:
            with Progress(output.show) as progress:
                done = runs.run(plan, observe=progress, **changes)
        except WattmarkError as error:
            typer.echo(f"wattmark: {plan.name}: {error}", err=True)
            status = error.exit_code
            continue
        outcome = _present(done, output.of_plan(plan.name))
        if outcome == INTERRUPTED:
            if left := suite.plans[number:]:
                names = " ".join(f"--only {plan.name}" for plan in left)
                typer.echo(f"Then the rest of the suite with: {names}", err=True)
            return outcome
        status = outcome or status
    return status


def _present(done: Run, output: _Output) -> int:
    """Write the report, print what came of it; returns the exit status."""
    from wattmark.records import StopReason
    from wattmark.workflows import run_reports

    run_reports.write_report(done, output.report)
    if output.as_json:
        typer.echo(done.model_dump_json(indent=1))
    elif not output.quiet:
        from wattmark.cli.table import print_shown
        from wattmark.reports.shown import shown_run

        print_shown(shown_run(done))
        typer.echo(f"\nReport: {output.report}    Run: {done.id}")
    if done.stop_reason is StopReason.INTERRUPTED:
        typer.echo(f"Interrupted. Finish it with: wattmark run --resume {done.id}", err=True)
        return INTERRUPTED
    failed = [r for r in done.results if r.failure is not None]
    for result in failed:
        assert result.failure is not None
        typer.echo(f"failed: {result.id}: {result.failure.message}", err=True)
    return FAILED_TRIALS_EXIT_CODE if failed else 0
