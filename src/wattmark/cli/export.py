"""``wattmark export``: a result in the formats that registries, regulators and tools read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.exports import Subject
    from wattmark.impact.site import Site


def export(
    run: Annotated[
        str, typer.Argument(help="A run's id, a unique prefix of it, or 'latest'.")
    ] = "latest",
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="{exports}: `wattmark list exports` says whose each is.",
        ),
    ] = "json",
    setup: Annotated[
        str | None, typer.Option(help="Which setup of the run (default: the baseline).")
    ] = None,
    site: Annotated[Path | None, typer.Option(help="A site.yaml: where it runs.")] = None,
    region: Annotated[str | None, typer.Option(help="FR, France, US-CA, SE3, or world.")] = None,
    pue: Annotated[float | None, typer.Option(help="Power usage effectiveness.")] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="What it ran on, for embodied: h100:8.")
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="A training.yaml: what training took.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it here.")] = None,
) -> None:
    """Write a result in a format of others; what is not known is listed as left open."""
    from wattmark.cli.impact import read_given_site
    from wattmark.exports import export as export_as
    from wattmark.outside.files import naming

    place = read_given_site(site).with_(region=region, pue=pue, devices=tuple(device or ()))
    made = export_as(_subject(run, setup, place, training), format_)
    if output is None:
        typer.echo(made.text, nl=not made.text.endswith("\n"))
    else:
        with naming(output):
            output.write_text(made.text, encoding="utf-8")
    if made.checked_against:
        typer.echo(f"Checked against: {made.checked_against}", err=True)
    for omission in made.omissions:
        typer.echo(f"Left open: {omission}", err=True)


def _subject(name: str, setup: str | None, site: Site, training: Path | None) -> Subject:
    from wattmark.exports import Subject
    from wattmark.impact import assess
    from wattmark.workflows import runs
    from wattmark.workflows.placing import place, read_training, used_by

    run = runs.load(name)
    (use,) = used_by(run, setup)
    placed, remarks = place(site, gpus=use.gpus)
    for remark in remarks:
        typer.echo(remark, err=True)
    return Subject(
        run=run,
        result=run.result(use.name),
        impact=assess(use, placed),
        site=site,
        training=None if training is None else read_training(training),
    )
