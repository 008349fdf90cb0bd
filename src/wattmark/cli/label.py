"""``wattmark label``: the label of a result in an edition, as SVG, PNG, or a badge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def label(
    what: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run, or a model's name.")],
    edition: Annotated[str, typer.Option(help="A frozen edition, such as 2026-H2.")],
    setup: Annotated[
        str | None, typer.Option(help="Which setup (default: the one of least energy).")
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Where editions lie.")] = Path("editions"),
    language: Annotated[str, typer.Option("--lang", help="en, fr, de or zh.")] = "en",
    address: Annotated[
        str | None, typer.Option(help="Address to verify at (default: the edition's digest).")
    ] = None,
    badge: Annotated[bool, typer.Option("--badge", help="One line instead.")] = False,
    out: Annotated[Path, typer.Option("--output", "-o", help="A .svg or .png.")] = Path(
        "label.svg"
    ),
) -> None:
    """Draw the label of a rated result."""
    from wattmark.editions.edition_files import Editions, label_of
    from wattmark.editions.label import render_badge, render_label, write_label

    found = label_of(Editions(folder).load(edition), what, setup, address)
    svg = render_badge(found, language) if badge else render_label(found, language)
    write_label(svg, out)
    typer.echo(f"{out}: {found.model}, {found.setup}, edition {found.edition}", err=True)
