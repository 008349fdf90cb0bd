"""The results of a bundle that is not on the board yet, as its maintainer sees them."""

from __future__ import annotations

from wattmark.board.intake.entries import rows_of
from wattmark.board.pages.views import View, views
from wattmark.records import bundle_from

#: What only a result on the board has.
_NOWHERE = {
    "id": 0,
    "edition": "",
    "stars": None,
    "probability": None,
    "distance_pct": None,
    "unrated_reason": None,
}


def shown_rows(document: bytes) -> tuple[list[View], str]:
    """Rows of a table, and the unit of their energies."""
    bundle = bundle_from(document)
    return views({**row, **_NOWHERE} for row in rows_of(bundle))
