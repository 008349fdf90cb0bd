"""``wattmark sweep --endpoint``: a server's latency and throughput against load."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattmark.cli import options
from wattmark.cli.exit_codes import INTERRUPTED, NOTHING_VALID
from wattmark.cli.lists import parse_list
from wattmark.cli.loadtest import exit_status, load_fields, print_loads

if TYPE_CHECKING:
    from wattmark.records import EndpointPlan, EndpointRun


def sweep_endpoint(
    url: options.Url,
    model: options.ServerModel,
    api: options.Api = "openai",
    concurrency: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Numbers of clients, one after another.")
    ] = None,
    qps: Annotated[
        str | None, typer.Option(metavar="X,X,...", help="Rates, one after another.")
    ] = None,
    requests: options.Requests = None,
    prompts: options.Prompts = None,
    samples: options.PromptSamples = None,
    max_tokens: options.MaxTokens = None,
    key_variable: options.KeyVariable = None,
    budget: options.LoadBudget = None,
    slo: options.Slo = None,
    meter: options.ServerMeters = None,
    server_pid: options.ServerPid = None,
    whole_node: options.WholeNode = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Put one load after another to a server, and name the one of the most throughput.

    Ctrl-C ends the sweep with what there is.
    """
    from wattmark.workflows import endpoint_runs

    said = load_fields(
        url=url,
        model=model,
        api=api,
        requests=requests,
        prompts=prompts,
        samples=samples,
        max_tokens=max_tokens,
        key_variable=key_variable,
        budget=budget,
        timeout=None,
        slo=slo,
        meter=meter,
        server_pid=server_pid,
        whole_node=whole_node or None,
    )
    plans = [endpoint_runs.endpoint_plan({**said, **load}) for load in _loads(concurrency, qps)]
    done = _run(plans, show=not quiet and not as_json)
    best = endpoint_runs.sweet_spot(done)
    if as_json:
        found = [run.model_dump(mode="json") for run in done]
        typer.echo(json.dumps({"runs": found, "most_throughput": best and best.id}, indent=1))
    elif not quiet:
        _print(done, best)
    status = exit_status(done)
    raise typer.Exit(status if best is not None or status == INTERRUPTED else NOTHING_VALID)


def _loads(concurrency: str | None, rates: str | None) -> list[dict[str, Any]]:
    loads: list[dict[str, Any]] = []
    if concurrency:
        loads += [{"concurrency": n} for n in parse_list(concurrency, int, "numbers of clients")]
    if rates:
        loads += [{"rate_per_s": rate} for rate in parse_list(rates, float, "rates")]
    if not loads:
        raise typer.BadParameter("--endpoint needs --concurrency 1,2,4 or --qps 1,2,4")
    return loads


def _run(plans: Sequence[EndpointPlan], *, show: bool) -> list[EndpointRun]:
    from wattmark.cli.progress import Progress
    from wattmark.workflows import endpoint_runs

    done = []
    for plan in plans:
        with Progress(show) as progress:
            done.append(endpoint_runs.run_endpoint(plan, observe=progress))
        if done[-1].result.stopped == "interrupted":
            break
    return done


def _print(done: Sequence[EndpointRun], best: EndpointRun | None) -> None:
    print_loads(done)
    within = f" within {done[0].plan.slo}" if done[0].plan.slo else ""
    typer.echo(
        f"No load{within} gave a valid figure."
        if best is None
        else f"Most throughput{within}: {best.result.arrivals}"
    )
