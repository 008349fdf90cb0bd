"""``wattmark impact --api-model``: the parametric estimate of a closed model's reply."""

from __future__ import annotations

import json

import typer

from wattmark.quantities import Quantity


def print_api_model(
    name: str,
    output_tokens: int | None,
    region: str | None,
    volume: Quantity | None,
    *,
    json_: bool,
) -> None:
    """Print the estimate as a table, or as a document. Raises as ``estimate`` does."""
    from wattmark.cli.columns import columns, stdout
    from wattmark.factors.closed_models import estimate
    from wattmark.factors.zones import find_zone
    from wattmark.formatting import quantity_text
    from wattmark.impact.amounts import in_a_year
    from wattmark.reports.impact_table import on_basis

    if output_tokens is None:
        raise typer.BadParameter("--output-tokens says how long a reply is; give it")
    found = estimate(name, output_tokens, find_zone(region) if region is not None else None)
    if json_:
        document = {
            "provider": found.provider,
            "model": found.model,
            "output_tokens": found.output_tokens,
            "grade": "parametric",
            "rated": False,
            "impacts": {k: q.model_dump(mode="json") for k, q in found.impacts.items()},
            "warnings": list(found.warnings),
            "source": found.source.model_dump(mode="json"),
        }
        typer.echo(json.dumps(document, indent=2))
        return
    typer.echo(f"{found.provider}/{found.model}, a reply of {output_tokens} tokens")
    titles = ["per query", *(["per year"] if volume is not None else [])]
    factors = [Quantity.exact(1.0, "query"), *([in_a_year(volume)] if volume is not None else [])]
    rows = [
        [title, *(quantity_text(on_basis(quantity, factor)) for factor in factors)]
        for title, quantity in found.impacts.items()
    ]
    stdout().print(columns(["", *titles], rows))
    typer.echo(f"Parametric: a model of a model, not a measurement; never rated. {found.source}")
    for warning in found.warnings:
        typer.echo(f"Note: {warning}")
