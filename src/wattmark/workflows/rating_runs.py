"""The stored runs as a table that can be rated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wattmark.errors import RatingError
from wattmark.rating.rated_row import RatedRow
from wattmark.records import Run
from wattmark.records.reading import ok
from wattmark.workflows import runs

if TYPE_CHECKING:
    import pyarrow as pa

#: The columns of :func:`stored_table` that make a population.
POPULATION = ("task", "class", "hardware")


def rated_rows(found: Iterable[Run]) -> list[dict[str, Any]]:
    """A row for each setup of these runs that gave a result, by the names of its columns."""
    return [RatedRow.of(run, r).as_rated_table() for run in found for r in run.results if ok(r)]


def stored_table() -> pa.Table:
    """The stored runs' results as a table, one row a setup. Raises RatingError without any."""
    import pyarrow as pa

    rows = rated_rows(runs.finished())
    if not rows:
        raise RatingError("no run is stored yet: `wattmark run` makes one; or name a table")
    return pa.Table.from_pylist(rows)
