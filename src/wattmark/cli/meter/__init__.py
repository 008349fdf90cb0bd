"""``wattmark meter``: look at instruments, record what they show, and judge the recording."""

from __future__ import annotations

import typer

from wattmark.cli.meter import calibrate, record, replay, validate, watch

app = typer.Typer(
    help="Watch, record, replay, calibrate and validate meters.", no_args_is_help=True
)
app.command("watch")(watch.watch)
app.command("record")(record.record)
app.command("replay")(replay.replay)
app.command("calibrate")(calibrate.calibrate)
app.command("validate")(validate.validate)
