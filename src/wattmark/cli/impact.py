"""``wattmark impact``: a result, or a bare amount of energy, put in a place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattmark.cli import place_options as options

if TYPE_CHECKING:
    from wattmark.impact import Impact, Use
    from wattmark.impact.site import Site
    from wattmark.quantities import Quantity


def impact(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RUN|ENERGY", help="A run's id, a prefix of it, 'latest'; or 1.2kWh."
        ),
    ] = "latest",
    setup: Annotated[
        str | None, typer.Option(help="Which setup of the run, or 'all' (default: the baseline).")
    ] = None,
    region: options.Region = None,
    provider: options.Provider = None,
    zone: options.Zone = None,
    site: options.SiteFile = None,
    compare: options.Compare = None,
    at: options.At = None,
    pue: options.Pue = None,
    wue_site: options.WueSite = None,
    market_carbon: options.MarketCarbon = None,
    price: options.Price = None,
    instance_price: options.InstancePrice = None,
    device: options.Devices = None,
    lifetime_years: options.LifetimeYears = None,
    share: options.Share = None,
    volume: Annotated[str | None, typer.Option(help="Queries over time, such as 5e6/day.")] = None,
    api_model: Annotated[
        str | None,
        typer.Option(help="A closed model, as PROVIDER/NAME or NAME: a parametric estimate."),
    ] = None,
    output_tokens: Annotated[
        int | None, typer.Option(help="Tokens of a reply of the closed model.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Each line's formula, factors and sources.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Carbon, water, minerals, embodied impact and money of a result, in a place."""
    from wattmark.impact.amounts import parse_volume

    if at not in (None, "now"):
        raise typer.BadParameter(f"{at!r}: the only time that can be asked for is 'now'")
    per_year = parse_volume(volume) if volume is not None else None
    place = read_given_site(site).with_(
        region=region,
        provider=provider,
        zone=zone,
        pue=pue,
        wue_site=wue_site,
        market_carbon=market_carbon,
        price=price,
        instance_price=instance_price,
        devices=tuple(device or ()),
        lifetime_years=lifetime_years,
        share=share,
    )
    if api_model is not None:
        from wattmark.cli.impact_api import print_api_model

        print_api_model(api_model, output_tokens, region, per_year, json_=json_)
        return
    uses = used(what, setup)
    sites = [place.with_(region=r.strip()) for r in compare.split(",")] if compare else [place]
    impacts = _impacts(uses, sites, now=at == "now")
    _print(impacts, per_year, compared=compare is not None, explain=explain, json_=json_)


def read_given_site(path: Path | None) -> Site:
    """The site in the file, or an empty one where none is named."""
    from wattmark.impact.site import Site
    from wattmark.workflows.placing import read_site

    return Site() if path is None else read_site(path)


def used(what: str, setup: str | None) -> list[Use]:
    """What a run, or a bare amount of energy, used."""
    from wattmark.impact.amounts import is_energy, parse_energy
    from wattmark.workflows import runs
    from wattmark.workflows.placing import bare, used_by

    if is_energy(what):
        return [bare(parse_energy(what))]
    return used_by(runs.load(what), setup)


def _impacts(uses: list[Use], sites: list[Site], *, now: bool) -> list[Impact]:
    from wattmark.impact import assess
    from wattmark.workflows.placing import place

    impacts = []
    for site in sites:
        kinds = dict.fromkeys(use.gpus for use in uses)
        placed = {gpus: place(site, gpus=gpus, now=now) for gpus in kinds}
        for remark in dict.fromkeys(remark for _, said in placed.values() for remark in said):
            typer.echo(remark, err=True)
        impacts += [assess(use, placed[use.gpus][0]) for use in uses]
    return impacts


def _print(
    impacts: list[Impact],
    volume: Quantity | None,
    *,
    compared: bool,
    explain: bool,
    json_: bool,
) -> None:
    from wattmark.cli.columns import columns, stdout
    from wattmark.reports.impact_json import render_impact_json
    from wattmark.reports.impact_table import comparison_table, explained, lines_table

    if json_:
        named = {f"{i.use.name} in {i.place.name}": i for i in impacts}
        typer.echo(render_impact_json(named, volume))
        return
    if compared:
        for name in dict.fromkeys(i.use.name for i in impacts):
            same = [i for i in impacts if i.use.name == name]
            per = f", per {same[0].use.per}" if same[0].use.per else ""
            typer.echo(f"{name}{per}")
            stdout().print(columns(*comparison_table(same)))
        return
    for impact in impacts:
        typer.echo(f"{impact.use.name} in {impact.place.name}")
        if explain:
            typer.echo("\n".join(explained(impact)))
        else:
            stdout().print(columns(*lines_table(impact, volume)))
    levels = [x.quantity.level for i in impacts for x in i.lines if x.quantity.level is not None]
    measured = [level for level in levels if level < 1]
    of_measured = f"are at {min(measured):.0%} for what was measured, and " if measured else ""
    told = f"Ranges {of_measured}hold if each factor lies within its own (--explain)."
    typer.echo(told, err=True)
