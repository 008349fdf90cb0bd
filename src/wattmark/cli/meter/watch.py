"""``wattmark meter watch``: live power by domain."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wattmark.records import EnergyWindow

HEADINGS = ("time", "domain", "power", "grade", "meter")


def watch(
    meter: Annotated[
        list[str] | None, typer.Option(help="This meter (repeatable); left out: the best.")
    ] = None,
    every: Annotated[str, typer.Option(help="Time between two lines.")] = "1s",
    for_: Annotated[
        str | None, typer.Option("--for", help="Stop after this time; else with Ctrl-C.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON a figure.")] = False,
) -> None:
    """Show the mean power of every domain since the line before."""
    from rich.live import Live

    from wattmark.cli.columns import columns, stdout
    from wattmark.cli.durations import parse_duration_s
    from wattmark.metering.live import watch as windows_of

    console = stdout()
    seconds = None if for_ is None else parse_duration_s(for_)
    live = console.is_terminal and not as_json
    found = windows_of(meter or (), parse_duration_s(every), seconds)
    for name in _of_processes(meter or ()):
        typer.echo(f"{name} sees single processes, not the machine: `wattmark doctor`", err=True)
    with closing(found), Live(console=console, auto_refresh=False) as display:
        try:
            for at_s, windows in found:
                if live:
                    display.update(columns(HEADINGS, list(_rows(at_s, windows))), refresh=True)
                    continue
                for line in _json(at_s, windows) if as_json else _rows(at_s, windows):
                    typer.echo(line if isinstance(line, str) else "  ".join(line))
        except KeyboardInterrupt:  # the way to end it
            typer.echo("", err=True)


def _of_processes(meters: Sequence[str]) -> list[str]:
    """Those of the meters that do not see whole devices."""
    from wattmark.contracts import Scope
    from wattmark.metering.readings import Readings

    with Readings.shared(meters) as opened:
        return [each.name for each in opened.meters if each.info.scope is Scope.PROCESS]


def _rows(at_s: float, windows: Iterable[EnergyWindow]) -> Iterable[tuple[str, ...]]:
    from wattmark.formatting import quantity_text
    from wattmark.records.reading import mean_power

    for window in windows:
        power = mean_power(window)
        origin = power.grade.value if power.grade else power.detail
        yield f"{at_s:.1f} s", window.domain, quantity_text(power), origin, window.meter


def _json(at_s: float, windows: Iterable[EnergyWindow]) -> Iterable[str]:
    import json

    from wattmark.records.reading import mean_power

    for window in windows:
        power = mean_power(window).model_dump(mode="json")
        yield json.dumps(
            {"time_s": at_s, "meter": window.meter, "domain": window.domain, "power": power}
        )
