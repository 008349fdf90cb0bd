"""``wattmark sweep``: latency, throughput, energy and memory against batch size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattmark.cli import options
from wattmark.cli.durations import parse_duration_s
from wattmark.cli.endpoint_option import Endpoint
from wattmark.cli.exit_codes import INTERRUPTED, NOTHING_VALID
from wattmark.cli.lists import parse_list

if TYPE_CHECKING:
    from wattmark.advice.sweep_points import SweepPoint
    from wattmark.records import Plan
    from wattmark.workflows.sweeping import Sweep


BatchSizes = Annotated[
    str | None,
    typer.Option(
        "--batch",
        metavar="N,N,...",
        help="Batch sizes, going up; 1,2,4,8,16,32, or 8 with --policy.",
    ),
]
Policies = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="static,dynamic",
        help="Search the highest rate of each batching policy (none, static, dynamic) within "
        "the SLO, under LoadGen's server; --batch is then one size.",
    ),
]
MaxWait = Annotated[
    str, typer.Option(help="Of a dynamic policy: how long a query waits for company.")
]
SweepBudget = Annotated[
    str | None,
    typer.Option("--budget", help="Time for measuring each batch size (20s), or of a test (4s)."),
]


def sweep(
    plan: Annotated[
        Path | None, typer.Argument(help="Plan whose setups are swept; left out: quickstart.")
    ] = None,
    batch: BatchSizes = None,
    slo: Annotated[
        str | None, typer.Option(help="What a sweet spot must keep, such as p99<50ms.")
    ] = None,
    policy: Policies = None,
    qps: Annotated[
        str | None, typer.Option(metavar="auto", help="Of policies: searched, which it always is.")
    ] = None,
    max_wait: MaxWait = "5ms",
    only: Annotated[
        list[str] | None, typer.Option(help="This setup of the plan (repeatable).")
    ] = None,
    samples: options.Samples = None,
    budget: SweepBudget = None,
    endpoint: Endpoint = None,  # with it, `sweep_endpoint` has the line: see endpoint_option
    meter: options.Meters = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the curve (.svg, .png).")] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Widen the batch of every setup until it no longer pays, and say where to stop.

    A setup ends where its throughput falls or its memory runs out.
    """
    if qps is not None and (policy is None or qps != "auto"):
        raise typer.BadParameter("--qps X,X,... goes with --endpoint URL, --qps auto with --policy")
    chosen = _plan(plan, only, samples, meter)
    show = not quiet and not as_json
    if policy is None:
        _sweep(chosen, batch, slo, budget, plot, as_json=as_json, quiet=quiet)
        return
    if slo is None:
        raise typer.BadParameter("--policy needs --slo, such as p99<100ms")
    from wattmark.cli.sweep_policies import sweep_policies

    sweep_policies(chosen, policy, slo, batch or "8", max_wait, budget or "4s", show)


def _plan(
    path: Path | None, only: list[str] | None, samples: int | None, meters: list[str] | None
) -> Plan:
    """The plan with the setups that are asked for."""
    from wattmark.errors import InputError, UnknownNameError
    from wattmark.records import Suite
    from wattmark.workflows import runs

    loaded = runs.read(path)
    if isinstance(loaded, Suite):
        raise InputError(f"{path} is a suite: sweep one of its plans")
    if only:
        by_label = {setup.label: setup for setup in loaded.setups}
        for label in only:
            if label not in by_label:
                raise UnknownNameError("setup", label, by_label)
        chosen = tuple(by_label[label] for label in only)
        loaded = loaded.model_copy(update={"setups": chosen, "baseline": None})
    return runs.adjusted(loaded, samples=samples, meters=meters)


def _sweep(
    plan: Plan,
    batch: str | None,
    slo: str | None,
    budget: str | None,
    plot: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from wattmark.cli.progress import Progress
    from wattmark.reports.charts import check_chart
    from wattmark.workflows import sweeping

    if plot is not None:
        check_chart(plot)
    with Progress(not quiet and not as_json) as progress:
        done = sweeping.sweep(
            plan,
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
