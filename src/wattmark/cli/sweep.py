"""``wattmark sweep``: latency, throughput, energy and memory against batch size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattmark.cli.durations import parse_duration_s
from wattmark.cli.exit_codes import INTERRUPTED, NOTHING_VALID
from wattmark.cli.lists import parse_list

if TYPE_CHECKING:
    from wattmark.advice.sweep_points import SweepPoint
    from wattmark.workflows.sweeping import Sweep


def sweep(
    plan: Annotated[
        Path | None, typer.Argument(help="Plan whose setups are swept; left out: quickstart.")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,...", help="Batch sizes, going up; 1,2,4,8,16,32, or 8 with --policy."
        ),
    ] = None,
    slo: Annotated[
        str | None, typer.Option(help="What a sweet spot must keep, such as p99<50ms.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="static,dynamic",
            help="Search the highest rate of each batching policy (none, static, dynamic) within "
            "the SLO, under LoadGen's server; --batch is then one size.",
        ),
    ] = None,
    max_wait: Annotated[
        str, typer.Option(help="Of a dynamic policy: how long a query waits for company.")
    ] = "5ms",
    only: Annotated[
        list[str] | None, typer.Option(help="This setup of the plan (repeatable).")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="How many examples of the task.")] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="Time for measuring each batch size (20s), or of a test (4s)."),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Sweep the load of this server instead.")
    ] = None,
    api: Annotated[str | None, typer.Option(help="Endpoint: as for `wattmark run`.")] = None,
    model: Annotated[str | None, typer.Option(help="Endpoint: as the server names it.")] = None,
    concurrency: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Endpoint: numbers of clients.")
    ] = None,
    qps: Annotated[
        str | None, typer.Option(metavar="X,X,...|auto", help="Endpoint: rates; --policy: auto.")
    ] = None,
    requests: Annotated[int | None, typer.Option(help="Endpoint: of each load.")] = None,
    prompts: Annotated[
        str | None, typer.Option(metavar="FILE|task:NAME", help="Endpoint: what is asked.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Endpoint: of an answer.")] = None,
    key_variable: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="Endpoint: environment variable with the key."),
    ] = None,
    meter: Annotated[
        list[str] | None, typer.Option(help="This instrument (repeatable); left out: the best.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the curve (.svg, .png).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no table.")] = False,
) -> None:
    """Widen the batch of every setup until it no longer pays, and say where to stop.

    A setup ends where its throughput falls or its memory runs out.
    """
    from wattmark.cli.progress import Progress
    from wattmark.errors import InputError, UnknownNameError
    from wattmark.records import Suite
    from wattmark.workflows import runs, sweeping

    of_endpoint = {
        "api": api,
        "requests": requests,
        "prompts": prompts,
        "max_tokens": max_tokens,
        "key_variable": key_variable,
    }
    if endpoint is not None:
        from wattmark.cli.run_endpoint import endpoint_fields
        from wattmark.cli.sweep_endpoint import sweep_endpoint

        if any((plan, batch, policy, only, plot)):
            raise typer.BadParameter("--endpoint asks a server: it takes no plan and no batch")
        said = endpoint_fields(
            endpoint, model, None, budget, samples, meter, {**of_endpoint, "slo": slo}
        )
        del said["concurrency"]
        raise typer.Exit(sweep_endpoint(said, concurrency, qps, as_json=as_json, quiet=quiet))
    searched = policy is not None and qps == "auto"  # which is what --policy does in any case
    if any((model, concurrency, qps and not searched, *of_endpoint.values())):
        raise typer.BadParameter("--concurrency, --qps and the like go with --endpoint URL")
    loaded = runs.read(plan)
    if isinstance(loaded, Suite):
        raise InputError(f"{plan} is a suite: sweep one of its plans")
    if only:
        by_label = {setup.label: setup for setup in loaded.setups}
        for label in only:
            if label not in by_label:
                raise UnknownNameError("setup", label, by_label)
        chosen = tuple(by_label[label] for label in only)
        loaded = loaded.model_copy(update={"setups": chosen, "baseline": None})
    adjusted = runs.adjusted(loaded, samples=samples, meters=meter)
    if policy is not None:
        from wattmark.cli.sweep_policies import sweep_policies

        if slo is None:
            raise typer.BadParameter("--policy needs --slo, such as p99<100ms")
        show = not quiet and not as_json
        sweep_policies(adjusted, policy, slo, batch or "8", max_wait, budget or "4s", show)
        return
    with Progress(not quiet and not as_json) as progress:
        done = sweeping.sweep(
            adjusted,
            batches=parse_list(batch, int, "batch sizes") if batch else sweeping.BATCHES,
            slo=slo,
            budget_s=parse_duration_s(budget) if budget else sweeping.BUDGET_S,
            observe=progress,
        )
    _present(done, plot, as_json, quiet)
    if done.interrupted:
        raise typer.Exit(INTERRUPTED)
    if all(point.failure for point in done.points):
        raise typer.Exit(NOTHING_VALID)


def _present(done: Sweep, plot: Path | None, as_json: bool, quiet: bool) -> None:
    from wattmark.reports.sweep_table import sweep_chart

    if plot is not None:
        from wattmark.reports.charts import write_chart

        write_chart(sweep_chart(done.points), plot)
    if as_json:
        _print_json(done)
    elif not quiet:
        _print(done)


def _print(done: Sweep) -> None:
    from wattmark.cli.columns import drawn, stdout
    from wattmark.reports.sweep_table import sweep_table

    stdout(width=200).print(drawn(sweep_table(done.points)))
    typer.echo("Latency is that of a whole batch; the wait until one is full is not in it.")
    condition = f" within {done.slo}" if done.slo else ""
    if done.best.fastest is None:
        typer.echo(f"No batch size has a figure{condition}.")
        return
    typer.echo(f"Most throughput{condition}: {_spot(done.best.fastest)}")
    if done.best.leanest is not None:
        typer.echo(f"Least energy{condition}: {_spot(done.best.leanest)}")


def _spot(point: SweepPoint) -> str:
    from wattmark.formatting import quantity_text

    energy = point.energy_per_query
    grade = f", {energy.grade}" if energy.grade else ""
    return (
        f"{point.label} at batch {point.batch}: {quantity_text(point.throughput)}, "
        f"{quantity_text(energy)}{grade}"
    )


def _print_json(done: Sweep) -> None:
    import json

    def row(point: SweepPoint) -> dict[str, object]:
        latency = point.result.latency
        return {
            "setup": point.label,
            "batch": point.batch,
            "run": point.run,
            "failure": point.failure or None,
            "keeps_slo": point.keeps(done.slo),
            "latency": latency and latency.model_dump(mode="json"),
            "throughput": point.throughput.model_dump(mode="json"),
            "energy_per_query": point.energy_per_query.model_dump(mode="json"),
            "peak_rss_bytes": point.peak_rss_bytes,
        }

    def name(point: SweepPoint | None) -> dict[str, object] | None:
        return None if point is None else {"setup": point.label, "batch": point.batch}

    typer.echo(
        json.dumps(
            {
                "slo": str(done.slo) if done.slo else None,
                "points": [row(point) for point in done.points],
                "most_throughput": name(done.best.fastest),
                "least_energy": name(done.best.leanest),
                "interrupted": done.interrupted,
            },
            indent=1,
        )
    )
