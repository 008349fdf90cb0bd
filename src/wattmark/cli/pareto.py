"""``wattmark pareto``: quality against energy, latency or money, and who is on the front."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.quantities import Quantity
    from wattmark.rating.pareto import Placed, Point
    from wattmark.records import Result, Run

_HEADS = {"energy": "Energy", "latency": "Latency", "money": "Money per 1 000 queries"}


def pareto(
    run: Annotated[
        str, typer.Argument(help="A run's id, a unique prefix of it, or 'latest'.")
    ] = "latest",
    cost: Annotated[
        str,
        typer.Option(help="energy, latency (median), or money (--price, --instance-price)."),
    ] = "energy",
    price: Annotated[
        str | None, typer.Option(help="Of electricity, such as 0.25EUR/kWh; of money.")
    ] = None,
    instance_price: Annotated[
        str | None, typer.Option(help="Of the rented machine, such as 3.20USD/h; of money.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="COST,QUALITY", help="The worst that counts, for the hypervolume: 0.2,0.5."
        ),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: a .svg or .png.")] = None,
) -> None:
    """Print who is on the front of quality against cost, how surely, and the hypervolume."""
    from wattmark import registry
    from wattmark.cli.columns import columns, stdout
    from wattmark.errors import RatingError
    from wattmark.formatting import quantity_text
    from wattmark.rating.pareto import hypervolume
    from wattmark.rating.pareto import pareto as place
    from wattmark.reports.pareto_chart import pareto_chart
    from wattmark.workflows import runs

    if cost not in ("energy", "latency", "money"):
        raise typer.BadParameter(f"{cost!r}: the cost is energy, latency or money")
    if (cost == "money") != ((price is None) != (instance_price is None)):
        raise typer.BadParameter("money takes --price or --instance-price, and only money does")
    loaded = runs.load(run)
    higher = registry.higher_is_better(loaded.task.name)
    points, left_out = _points(loaded, _costs(loaded, cost, price, instance_price), cost)
    if not points:
        raise RatingError(f"run {loaded.id} has no setup with both {cost} and quality")
    placed = sorted(place(points, higher_is_better=higher), key=lambda p: p.point.cost.bounds()[1])
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
    heads = ["Setup", _HEADS[cost], loaded.task.metric, "Energy per correct", "Standing"]
    stdout().print(columns(heads, rows))
    for name, why in left_out.items():
        typer.echo(f"Not placed: {name} ({why})")
    if reference is not None:
        at = _reference(reference)
        unit = f"{points[0].cost.unit} x {points[0].quality.unit}"
        area = hypervolume(points, *at, higher_is_better=higher)
        typer.echo(f"Hypervolume to {at[0]:g}, {at[1]:g}: {area:.4g} {unit}")
    if plot is not None:
        from wattmark.reports.charts import write_chart

        write_chart(pareto_chart(placed, cost, loaded.task.metric, higher_is_better=higher), plot)
        typer.echo(f"Plot: {plot}", err=True)


def _costs(
    run: Run, cost: str, price: str | None, instance_price: str | None
) -> dict[str, Quantity | None]:
    """What a query costs in each setup that gave a result, by its id; in money, 1 000 queries.

    Electricity is that of the machine alone: what a building adds is the same for all.
    """
    from wattmark.reports.figures import comparable_energy
    from wattmark.reports.rows import ok

    results = [result for result in run.results if ok(result)]
    if cost == "energy":
        return {r.id: comparable_energy(run, r) for r in results}
    if cost == "latency":
        return {r.id: r.latency.p50 if r.latency else None for r in results}
    from wattmark.impact.amounts import parse_price
    from wattmark.quantities import Quantity
    from wattmark.workflows.placing import use_of

    thousand = Quantity.exact(1000.0, "query")
    if price is not None:
        per_kwh = parse_price(price, "kWh", "price")
        energies = {r.id: comparable_energy(run, r) for r in results}
        return {id_: e and e * per_kwh * thousand for id_, e in energies.items()}
    per_hour = parse_price(instance_price or "", "h", "instance_price")
    return {r.id: use_of(r).time * per_hour * thousand for r in results}


def _points(
    run: Run, costs: dict[str, Quantity | None], cost: str
) -> tuple[list[Point], dict[str, str]]:
    """Setups with both figures, and why the others are not among them."""
    from wattmark.rating.pareto import Point
    from wattmark.reports.rows import ok, percent_if_share

    points: list[Point] = []
    left_out: dict[str, str] = {}
    for result in run.results:
        if not ok(result):
            left_out[result.id] = "the trial failed"
            continue
        figure = costs[result.id]
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
    from wattmark.formatting import DASH, quantity_text
    from wattmark.records.domains import total

    figure: Quantity | None = total((e.domain, e.per_correct) for e in result.energy)
    return DASH if figure is None else quantity_text(figure)


def _reference(text: str) -> tuple[float, float]:
    try:
        cost, quality = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a cost and a quality such as 0.2,0.5") from None
    return cost, quality
