"""``wattmark board``: the leaderboard, its maintainers and its tokens."""

from __future__ import annotations

import typer

from wattmark.cli.board import (
    decide,
    edition,
    export,
    maintainer,
    queue,
    serve,
    submit,
    token,
    verify,
)

app = typer.Typer(help="A leaderboard of results in editions.", no_args_is_help=True)
app.command("serve")(serve.serve)
app.command("submit")(submit.submit)
app.command("queue")(queue.queue)
app.command("accept")(decide.accept)
app.command("reject")(decide.reject)
app.add_typer(edition.app, name="edition")
app.command("export")(export.export)
app.command("verify")(verify.verify)
app.add_typer(token.app, name="token")
app.add_typer(maintainer.app, name="maintainer")
