"""``wattmark loadtest``: put a load to a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattmark.cli import options
from wattmark.cli.durations import parse_duration_s
from wattmark.cli.exit_codes import INTERRUPTED, NOTHING_VALID

if TYPE_CHECKING:
    from wattmark.records import EndpointRun


def loadtest(
    url: options.Url,
    model: options.ServerModel,
    api: options.Api = "openai",
    qps: Annotated[float | None, typer.Option(help="Open loop: so many requests a second.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Closed loop: so many requests always under way; 1.")
    ] = None,
    arrivals: Annotated[
        str | None, typer.Option(metavar="poisson|constant", help="Of --qps.")
    ] = None,
    requests: options.Requests = None,
    prompts: options.Prompts = None,
    samples: options.PromptSamples = None,
    max_tokens: options.MaxTokens = None,
    tokenizer: options.Tokenizer = None,
    key_variable: options.KeyVariable = None,
    budget: options.LoadBudget = None,
    timeout: options.Timeout = None,
    slo: options.Slo = None,
    meter: options.ServerMeters = None,
    server_pid: options.ServerPid = None,
    whole_node: options.WholeNode = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Load a server: latency, first token, throughput, goodput, and energy where it is metered."""
    from wattmark.cli.progress import Progress
    from wattmark.workflows import endpoint_runs

    said = load_fields(
        url=url,
        model=model,
        api=api,
        rate_per_s=qps,
        concurrency=1 if concurrency is None and qps is None else concurrency,
        arrivals=arrivals,
        requests=requests,
        prompts=prompts,
        samples=samples,
        max_tokens=max_tokens,
        tokenizer=tokenizer,
        key_variable=key_variable,
        budget=budget,
        timeout=timeout,
        slo=slo,
        meter=meter,
        server_pid=server_pid,
        whole_node=whole_node or None,
    )
    plan = endpoint_runs.endpoint_plan(said)
    with Progress(not quiet and not as_json) as progress:
        run = endpoint_runs.run_endpoint(plan, observe=progress)
    if as_json:
        typer.echo(run.model_dump_json(indent=1))
    elif not quiet:
        print_loads([run])
        typer.echo(f"Run: {run.id}")
    raise typer.Exit(exit_status([run]))


def load_fields(
    *, budget: str | None, timeout: str | None, meter: Sequence[str] | None, **others: Any
) -> dict[str, Any]:
    """What was said of a load, as fields of an EndpointPlan; what was not is left out."""
    said = {
        "budget_s": None if budget is None else parse_duration_s(budget),
        "timeout_s": None if timeout is None else parse_duration_s(timeout),
        "meters": tuple(meter) if meter else None,
        **others,
    }
    return {key: value for key, value in said.items() if value is not None}


def print_loads(runs: Sequence[EndpointRun]) -> None:
    """One table for all, and what there is to say of each."""
    from wattmark.cli.table import print_shown
    from wattmark.reports.endpoint_table import shown_endpoint_runs

    print_shown(shown_endpoint_runs(runs))


def exit_status(runs: Sequence[EndpointRun]) -> int:
    """130 after Ctrl-C, 1 where nothing valid came out, else 0."""
    if any(run.result.stopped == "interrupted" for run in runs):
        return INTERRUPTED
    return 0 if any(run.result.valid for run in runs) else NOTHING_VALID
