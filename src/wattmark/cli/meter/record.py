"""``wattmark meter record``: write what the meters show to a trace file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def record(
    file: Annotated[Path, typer.Argument(help="Where to; .gz compresses. Must not be there yet.")],
    meter: Annotated[
        list[str] | None, typer.Option(help="This meter (repeatable); left out: the best.")
    ] = None,
    hz: Annotated[float, typer.Option(min=0.001, max=1000, help="Samples a second.")] = 10.0,
    for_: Annotated[
        str | None, typer.Option("--for", help="Stop after this time; else with Ctrl-C.")
    ] = None,
) -> None:
    """Record the raw values of meters; `wattmark meter replay` makes energy of them."""
    from wattmark.cli.durations import parse_duration_s
    from wattmark.metering.recording import Recording

    seconds = None if for_ is None else parse_duration_s(for_)
    recording = Recording(file, meter or (), 1.0 / hz)
    for problem in recording.left_out:
        typer.echo(f"left out: {problem}", err=True)
    with recording:
        try:
            recording.run(seconds)
        except KeyboardInterrupt:  # the way to end it; every sample is in the file
            typer.echo("", err=True)
    typer.echo(f"{file}: {recording.samples} samples of {', '.join(recording.meters)}")
    if recording.failed:
        typer.echo(f"{recording.failed} samples could not be read: they are nan", err=True)
