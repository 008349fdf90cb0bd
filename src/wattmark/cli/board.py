"""``wattmark board``: the leaderboard, its maintainers and its tokens."""

from __future__ import annotations

import typer

from wattmark.cli import (
    board_decide,
    board_edition,
    board_export,
    board_maintainer,
    board_queue,
    board_serve,
    board_submit,
    board_token,
    board_verify,
)

app = typer.Typer(help="A leaderboard of results in editions.", no_args_is_help=True)
app.command("serve")(board_serve.serve)
app.command("submit")(board_submit.submit)
app.command("queue")(board_queue.queue)
app.command("accept")(board_decide.accept)
app.command("reject")(board_decide.reject)
app.add_typer(board_edition.app, name="edition")
app.command("export")(board_export.export)
app.command("verify")(board_verify.verify)
app.add_typer(board_token.app, name="token")
app.add_typer(board_maintainer.app, name="maintainer")
