"""``wattmark pareto``: quality against energy or latency, and who is on the front."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.quantities import Quantity
    from wattmark.rating.pareto import Placed, Point
    from wattmark.records import Result, Run


def pareto(
    run: Annotated[
        str, typer.Argument(help="A run's id, a unique prefix of it, or 'latest'.")
    ] = "latest",
    cost: Annotated[str, typer.Option(help="energy or latency (median).")] = "energy",
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="COST,QUALITY", help="The worst that counts, for the hypervolume: 0.2,0.5."
        ),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: a .svg or .png.")] = None,
) -> None:
    """Print who is on the front of quality against cost, how surely, and the hypervolume."""
    from wattmark import runs
    from wattmark.cli.columns import columns, stdout
    from wattmark.errors import RatingError
    from wattmark.rating.pareto import hypervolume
    from wattmark.rating.pareto import pareto as place
    from wattmark.reports.formatting import quantity_text
    from wattmark.reports.pareto_chart import pareto_chart

    if cost not in ("energy", "latency"):
        raise typer.BadParameter(f"{cost!r}: the cost is energy or latency")
    loaded = runs.load(run)
    points, left_out = _points(loaded, cost)
    if not points:
        raise RatingError(f"run {loaded.id} has no setup with both {cost} and quality")
    placed = sorted(place(points), key=lambda p: p.point.cost.bounds()[1])
    rows = [
        [
            p.point.name,
            quantity_text(p.point.cost),
            quantity_text(p.point.quality),
            _per_correct(loaded.result(p.point.name)),
            _standing(p),
        ]
        for p in placed
    ]
    typer.echo(f"{loaded.task.name}: {loaded.model.name}")
    heads = ["Setup", cost.capitalize(), loaded.task.metric, "Energy per correct", "Standing"]
    stdout().print(columns(heads, rows))
    for name, why in left_out.items():
        typer.echo(f"Not placed: {name} ({why})")
    if reference is not None:
        at = _reference(reference)
        unit = f"{points[0].cost.unit} x {points[0].quality.unit}"
        area = hypervolume(points, *at)
        typer.echo(f"Hypervolume to {at[0]:g}, {at[1]:g}: {area:.4g} {unit}")
    if plot is not None:
        from wattmark.reports.charts import write_chart

        write_chart(pareto_chart(placed, cost, loaded.task.metric), plot)
        typer.echo(f"Plot: {plot}", err=True)


def _points(run: Run, cost: str) -> tuple[list[Point], dict[str, str]]:
    """Setups with both figures, and why the others are not among them."""
    from wattmark.rating.pareto import Point
    from wattmark.reports.figures import comparable_energy
    from wattmark.reports.rows import ok, percent_if_share

    points: list[Point] = []
    left_out: dict[str, str] = {}
    for result in run.results:
        if not ok(result):
            left_out[result.id] = "the trial failed"
            continue
        latency = result.latency.p50 if result.latency else None
        figure = comparable_energy(run, result) if cost == "energy" else latency
        quality = result.quality.value if result.quality else None
        if figure is None or not figure.known or quality is None or not quality.known:
            left_out[result.id] = f"no {'quality' if figure and figure.known else cost}"
        elif result.quality is not None and result.quality.gate_passed is False:
            left_out[result.id] = "it misses the quality gate"
        else:
            points.append(Point(result.id, figure, percent_if_share(quality)))
    return points, left_out


def _standing(placed: Placed) -> str:
    from wattmark.rating.pareto import Standing

    ahead = " by {}" if placed.standing is Standing.DOMINATED else " ({} is ahead)"
    return placed.standing + (ahead.format(placed.by) if placed.by else "")


def _per_correct(result: Result) -> str:
    from wattmark.metrology.domains import total
    from wattmark.reports.formatting import DASH, quantity_text

    figure: Quantity | None = total((e.domain, e.per_correct) for e in result.energy)
    return DASH if figure is None else quantity_text(figure)


def _reference(text: str) -> tuple[float, float]:
    try:
        cost, quality = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a cost and a quality such as 0.2,0.5") from None
    return cost, quality
