"""Options that say where a result runs and on what terms, for ``wattmark impact``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_PLACE, _TERMS = "Place", "Terms"

Region = Annotated[
    str | None, typer.Option(help="FR, France, US-CA, SE3, or world.", rich_help_panel=_PLACE)
]
Provider = Annotated[str | None, typer.Option(help="aws, azure or gcp.", rich_help_panel=_PLACE)]
Zone = Annotated[str | None, typer.Option(help="The provider's zone.", rich_help_panel=_PLACE)]
SiteFile = Annotated[
    Path | None,
    typer.Option("--site", help="A site.yaml; options override it.", rich_help_panel=_PLACE),
]
Compare = Annotated[
    str | None,
    typer.Option(metavar="FR,US,...", help="Regions side by side.", rich_help_panel=_PLACE),
]
At = Annotated[
    str | None,
    typer.Option(
        metavar="now",
        help="A live signal of the grid, where one answers.",
        rich_help_panel=_PLACE,
    ),
]
Pue = Annotated[
    float | None, typer.Option(help="Power usage effectiveness.", rich_help_panel=_TERMS)
]
WueSite = Annotated[
    float | None, typer.Option(help="Water on site, L/kWh.", rich_help_panel=_TERMS)
]
MarketCarbon = Annotated[
    float | None,
    typer.Option(help="Carbon of the power contract, g/kWh.", rich_help_panel=_TERMS),
]
Price = Annotated[
    str | None,
    typer.Option(help="Of electricity, such as 0.25EUR/kWh.", rich_help_panel=_TERMS),
]
InstancePrice = Annotated[
    str | None,
    typer.Option(help="Of the rented machine, such as 3.20USD/h.", rich_help_panel=_TERMS),
]
Devices = Annotated[
    list[str] | None,
    typer.Option("--device", help="What it ran on, for embodied: h100:8.", rich_help_panel=_TERMS),
]
LifetimeYears = Annotated[
    float | None, typer.Option(help="Of the devices.", rich_help_panel=_TERMS)
]
Share = Annotated[
    float | None, typer.Option(help="Of the machine: 0 to 1.", rich_help_panel=_TERMS)
]
