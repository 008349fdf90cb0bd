"""``wattmark board queue``: what was submitted."""

from __future__ import annotations

from typing import Annotated

import typer

from wattmark.cli.board.database import DatabaseOption, opened


def queue(
    database: DatabaseOption = None,
    status: Annotated[str, typer.Option(help="queued, accepted or rejected.")] = "queued",
) -> None:
    """List submissions, the oldest first, with the remarks of the validation."""
    from wattmark.board.intake import submissions
    from wattmark.cli.columns import columns, stdout
    from wattmark.errors import UnknownNameError

    known = [s.value for s in submissions.Status]
    if status not in known:
        raise UnknownNameError("status", status, known)
    with opened(database) as board, board.reading() as connection:
        found = submissions.listed(connection, submissions.Status(status))
    rows = [
        [
            s.digest[:12],
            s.run_id,
            s.model,
            str(s.results),
            s.submitted_by,
            ", ".join(dict.fromkeys(f.code for f in s.findings)),
        ]
        for s in found
    ]
    stdout().print(columns(["bundle", "run", "model", "results", "by", "remarks"], rows))
