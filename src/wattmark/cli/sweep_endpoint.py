"""``wattmark sweep --endpoint``: a server's latency and throughput against load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import typer

from wattmark.cli.exit_codes import INTERRUPTED, NOTHING_VALID
from wattmark.cli.lists import parse_list


def sweep_endpoint(
    said: Mapping[str, Any],
    concurrency: str | None,
    rates: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    """One load a number of clients (or a rate), in the order given; returns the exit status.

    Ctrl-C ends the sweep with what there is.
    """
    from wattmark.cli.progress import Progress
    from wattmark.cli.run_endpoint import exit_status, print_endpoint_runs
    from wattmark.workflows import endpoint_runs

    loads: list[dict[str, Any]] = []
    if concurrency:
        loads += [{"concurrency": n} for n in parse_list(concurrency, int, "numbers of clients")]
    if rates:
        loads += [{"rate_per_s": rate} for rate in parse_list(rates, float, "rates")]
    if not loads:
        raise typer.BadParameter("--endpoint needs --concurrency 1,2,4 or --qps 1,2,4")
    plans = [endpoint_runs.endpoint_plan({**said, **load}) for load in loads]
    done = []
    for plan in plans:
        with Progress(not quiet and not as_json) as progress:
            done.append(endpoint_runs.run_endpoint(plan, observe=progress))
        if done[-1].result.stopped == "interrupted":
            break
    best = endpoint_runs.sweet_spot(done)
    if as_json:
        found = [run.model_dump(mode="json") for run in done]
        typer.echo(json.dumps({"runs": found, "most_throughput": best and best.id}, indent=1))
    elif not quiet:
        print_endpoint_runs(done)
        within = f" within {done[0].plan.slo}" if done[0].plan.slo else ""
        typer.echo(
            f"No load{within} gave a valid figure."
            if best is None
            else f"Most throughput{within}: {best.result.arrivals}"
        )
    status = exit_status(done)
    return status if best is not None or status == INTERRUPTED else NOTHING_VALID
