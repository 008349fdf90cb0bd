"""``wattmark pareto``: quality against energy, latency or money, and who is on the front."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.rating.pareto import Placed
    from wattmark.records import Result

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
            metavar="COST,QUALITY",
            help="The worst that counts, for the hypervolume, such as 0.2,50 (J, %).",
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
    from wattmark.workflows.pareto_points import costs
    from wattmark.workflows.pareto_points import points as points_of

    if cost not in ("energy", "latency", "money"):
        raise typer.BadParameter(f"{cost!r}: the cost is energy, latency or money")
    if (cost == "money") != ((price is None) != (instance_price is None)):
        raise typer.BadParameter("money takes --price or --instance-price, and only money does")
    loaded = runs.load(run)
    higher = registry.higher_is_better(loaded.task.name)
    figures = costs(loaded, cost, price=price, instance_price=instance_price)
    points, left_out = points_of(loaded, figures, cost)
    if not points:
        raise RatingError(f"run {loaded.id} has no setup with both {cost} and quality")
    placed = sorted(place(points, higher_is_better=higher), key=lambda p: p.point.cost.bounds()[1])
    shared = any(p.point.among for p in placed)
    rows = [
        [
            p.point.name,
            quantity_text(p.point.cost),
            *([quantity_text(p.point.among or p.point.cost)] if shared else []),
            quantity_text(p.point.quality),
            _per_correct(loaded.result(p.point.name)),
            _standing(p),
        ]
        for p in placed
    ]
    typer.echo(f"{loaded.task.name}: {loaded.model.name}")
    among = ["Among these setups"] if shared else []
    heads = ["Setup", _HEADS[cost], *among, loaded.task.metric, "Energy per correct", "Standing"]
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


def _standing(placed: Placed) -> str:
    from wattmark.rating.pareto import Standing

    ahead = " by {}" if placed.standing is Standing.DOMINATED else " ({} is ahead)"
    return placed.standing + (ahead.format(placed.by) if placed.by else "")


def _per_correct(result: Result) -> str:
    from wattmark.formatting import DASH, quantity_text
    from wattmark.records.reading import energy_per_correct

    figure = energy_per_correct(result)
    return DASH if figure is None else quantity_text(figure)


def _reference(text: str) -> tuple[float, float]:
    try:
        cost, quality = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a cost and a quality such as 0.2,0.5") from None
    return cost, quality
