"""``wattmark meter``: look at instruments, record what they show, and judge the recording."""

from __future__ import annotations

import typer

from wattmark.cli import (
    meter_calibrate,
    meter_record,
    meter_replay,
    meter_validate,
    meter_watch,
)

app = typer.Typer(
    help="Watch, record, replay, calibrate and validate meters.", no_args_is_help=True
)
app.command("watch")(meter_watch.watch)
app.command("record")(meter_record.record)
app.command("replay")(meter_replay.replay)
app.command("calibrate")(meter_calibrate.calibrate)
app.command("validate")(meter_validate.validate)
