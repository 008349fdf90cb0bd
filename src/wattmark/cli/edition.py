"""``wattmark edition``: dated populations with their stars: open, add, freeze, diff, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.editions.edition_files import Editions

app = typer.Typer(help="Dated editions of the ratings, frozen under a hash.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A half-year, such as 2026-H2.")]
Folder = Annotated[Path, typer.Option("--dir", help="Where the editions lie.")]
_HERE = Path("editions")


def _in(folder: Path) -> Editions:
    from wattmark.editions.edition_files import Editions

    return Editions(folder)


@app.command("open")
def open_(
    name: Name,
    rule: Annotated[str, typer.Option(help="{rules}.")] = "quintile",
    limits: Annotated[
        Path | None,
        typer.Option(
            help="For a rule that needs limits; left out: those of the edition before it."
        ),
    ] = None,
    folder: Folder = _HERE,
) -> None:
    """Begin an edition with the results of the one before it."""
    made = _in(folder).open(name, rule, limits)
    follows = f", after {made.previous}" if made.previous else ""
    typer.echo(f"{made.name}: rule {made.rule}, closes {made.closes}{follows}")


@app.command()
def add(
    name: Name,
    run: Annotated[list[str], typer.Argument(help="Runs, by id, prefix or 'latest'.")],
    folder: Folder = _HERE,
) -> None:
    """Add the results of runs; a setup that is there already is replaced."""
    from wattmark.workflows import runs

    made = _in(folder).add(name, [runs.bundle(one) for one in run])
    typer.echo(f"{made.name}: {len(made.entries)} results")


@app.command()
def freeze(name: Name, folder: Folder = _HERE) -> None:
    """Rate the edition, for good."""
    from wattmark.editions.edition_problems import remarks

    made = _in(folder).freeze(name)
    rated = sum(star.stars is not None for star in made.stars)
    typer.echo(f"{made.name}: {rated} of {len(made.entries)} results rated, digest {made.digest}")
    for remark in remarks(made):
        typer.echo(remark)


@app.command("diff")
def diff_(
    old: Annotated[str, typer.Argument(help="The earlier edition.")],
    new: Annotated[str, typer.Argument(help="The later edition.")],
    folder: Folder = _HERE,
) -> None:
    """Say which results joined and left, and why each star that changed did."""
    found = _in(folder).diff(old, new)
    for title, entries in (("joined", found.joined), ("left", found.left)):
        for entry in entries:
            typer.echo(f"{title}: {entry.task}, {entry.model}, {entry.setup}")
    for changed in found.changed:
        typer.echo(changed.sentence())
    if not (found.joined or found.left or found.changed):
        typer.echo("nothing changed")


@app.command()
def verify(name: Name, folder: Folder = _HERE) -> None:
    """Check an edition and all that it follows; what was changed is said, with a non-zero exit."""
    from wattmark.editions.edition_problems import remarks

    found = _in(folder).verify(name)
    for problem in found:
        typer.echo(problem)
    if found:
        raise typer.Exit(1)
    typer.echo(f"{name}: as it was frozen")
    for remark in remarks(_in(folder).load(name)):
        typer.echo(remark)
