"""This machine's own runs on its own board: accepted as they are, since nobody else sent them."""

from __future__ import annotations

from wattmark.board.intake import submissions
from wattmark.board.intake.submissions import Status
from wattmark.board.shelf.database import Database
from wattmark.errors import RefusedError
from wattmark.workflows import runs

BY = "local"


def take_over(database: Database) -> tuple[int, list[str]]:
    """Put finished runs that are not there yet on the board, the oldest first.

    How many there were, and for those that cannot be there why.
    """
    taken, left_out = 0, []
    for bundle in reversed(runs.finished_bundles()):
        with database.reading() as connection:
            known = submissions.find(connection, bundle.digest)
        if known is not None and known.status is not Status.QUEUED:
            continue
        try:
            with database.writing() as connection:
                submissions.receive(connection, bundle, by=BY)
                submissions.accept(connection, bundle.digest, by=BY)
        except RefusedError as error:
            left_out.append(f"{bundle.run.id}: {error}")
        else:
            taken += 1
    return taken, left_out
