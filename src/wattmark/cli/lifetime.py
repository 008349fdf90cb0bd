"""``wattmark lifetime``: training against inference over a model's life."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.impact.lifetime import Lifetime
    from wattmark.impact.training_file import Training
    from wattmark.quantities import Quantity


def lifetime(
    training: Annotated[Path, typer.Option(help="A training.yaml: what training took.")],
    inference: Annotated[
        str, typer.Option(metavar="RUN|ENERGY", help="A run, or energy a query such as 0.3Wh.")
    ],
    volume: Annotated[str, typer.Option(help="Queries over time, such as 5e6/day.")],
    years: Annotated[float, typer.Option(help="How long the model is in use.")] = 1.0,
    setup: Annotated[
        str | None, typer.Option(help="Which setup of the run (default: the baseline).")
    ] = None,
    pue: Annotated[float, typer.Option(help="Of the building where inference runs.")] = 1.0,
    old: Annotated[
        str | None,
        typer.Option(metavar="RUN|ENERGY", help="The model it takes the place of, to break even."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: a .svg or .png.")] = None,
) -> None:
    """Totals and shares of training and inference, and after how many queries one pays."""
    from wattmark.errors import ImpactError
    from wattmark.impact.amounts import parse_volume
    from wattmark.impact.lifetime import lifetime as set_against
    from wattmark.impact.steps import facility_energy
    from wattmark.quantities import Quantity
    from wattmark.workflows.placing import read_training

    if years <= 0:
        raise ImpactError(f"years: {years:g} is not greater than zero")
    trained = read_training(training)
    building = Quantity.exact(pue, "1")
    per_query = facility_energy(_per_query(inference, setup), building)
    queries = (parse_volume(volume) * Quantity.exact(years, "year")).to("query")
    life = set_against(trained.energy_facility(), per_query, queries)
    before = None if old is None else facility_energy(_per_query(old, None), building)
    _print(trained, life, before)
    if plot is not None:
        from wattmark.reports.charts import write_chart
        from wattmark.reports.lifetime_chart import lifetime_chart

        if not life.per_query.known:
            raise ImpactError("plot: nothing to draw, since the energy of a query is not known")
        write_chart(lifetime_chart(life, before), plot)
        typer.echo(f"Plot: {plot}", err=True)


def _per_query(what: str, setup: str | None) -> Quantity:
    """Energy of the machines for a query, by a run or as given."""
    from wattmark.cli.impact import used
    from wattmark.quantities import Quantity

    (use,) = used(what, setup)
    return use.energy_it if use.per else use.energy_it / Quantity.exact(1.0, "query")


def _print(trained: Training, life: Lifetime, old: Quantity | None) -> None:
    from wattmark.cli.columns import columns, stdout
    from wattmark.impact.lifetime import queries_to_save
    from wattmark.reports.impact_table import cell, on_basis

    rows: list[tuple[str, Quantity]] = [
        (f"Training ({trained.name}, {life.training.grade or 'given'})", on_basis(life.training)),
        ("Inference, a query", on_basis(life.per_query)),
        ("Queries over the life", life.queries),
        ("Inference, all", on_basis(life.inference)),
        ("Total", on_basis(life.total)),
        ("Share of training", life.training_share),
        ("Inference has taken what training took after", life.break_even),
    ]
    if old is not None:
        saved = queries_to_save(life.training, old, life.per_query)
        rows.append(("The old model, a query", on_basis(old.to("Wh/query"))))
        rows.append(("Training pays against the old model after", saved))
    stdout().print(columns(["", ""], [[title, cell(quantity)] for title, quantity in rows]))
