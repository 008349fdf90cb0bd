"""``wattmark meter calibrate``: measure this machine's power model and keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.metering.meter_calibration import Step
    from wattmark.meters.modelled.calibration_file import Calibration


def calibrate(
    meter: Annotated[
        str | None,
        typer.Option(help="The instrument to calibrate against; left out, the best there is."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(metavar="S", help="Seconds at each of the five loads.")
    ] = 5.0,
    watts_idle: Annotated[
        float | None,
        typer.Option(metavar="W", help="Your own reading of a wall meter at idle."),
    ] = None,
    watts_full: Annotated[
        float | None,
        typer.Option(metavar="W", help="Your own reading with all cores busy."),
    ] = None,
    watts_error: Annotated[
        str, typer.Option(metavar="PERCENT", help="How far each of your readings may be off.")
    ] = "2%",
) -> None:
    """Measure watts at idle and under load, and keep them as this machine's power model.

    Keeps all cores busy, step by step, for about half a minute. Where no instrument can be read,
    give two readings of a wall meter. Used by the modelled meters for 90 days.
    """
    from wattmark.cli.advise import parse_share
    from wattmark.metering import meter_calibration
    from wattmark.meters.modelled.calibration_file import calibration_path, write_calibration

    if (watts_idle is None) != (watts_full is None):
        raise typer.BadParameter("give both --watts-idle and --watts-full, or neither")
    if watts_idle is not None and watts_full is not None:
        if meter is not None:
            raise typer.BadParameter("give --meter or your own readings, not both")
        found = meter_calibration.by_hand(watts_idle, watts_full, parse_share(watts_error))
    else:
        chosen = meter_calibration.instrument(meter)
        found = meter_calibration.calibrate(chosen, step_s=seconds, observe=_show)
    path = calibration_path()
    write_calibration(found, path)
    for line in _summary(found):
        typer.echo(line)
    typer.echo(f"Kept in {path}")


def _show(step: Step) -> None:
    if step.power_w is None:
        typer.echo(f"step {step.number} of {step.of}: {step.share:.0%} of the cores busy", err=True)
    else:
        typer.echo(f"  {step.power_w:.4g} W", err=True)


def _summary(found: Calibration) -> list[str]:
    from wattmark.formatting import quantity_text

    return [
        f"{found.machine}, by {found.source} ({found.grade}, {found.domain})",
        f"idle {quantity_text(found.idle_w)}, all cores busy {quantity_text(found.full_w)}",
        f"Power model: {found.model().describe()}",
    ]
