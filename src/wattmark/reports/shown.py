"""A run as it is shown in a terminal: tables and sentences, not yet drawn."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.records import Run
from wattmark.reports.cells import Table
from wattmark.reports.conclusions import conclusions
from wattmark.reports.loadgen_rows import bound_table, loadgen_table
from wattmark.reports.rows import table
from wattmark.reports.totals import totals_remark


@dataclass(frozen=True)
class Shown:
    """What stands below each other: the main table, ``others`` by title, remarks, conclusions.

    ``upright`` is a table of one row that is drawn with a line a column.
    """

    title: str
    table: Table
    conclusions: tuple[str, ...]
    others: tuple[tuple[str, Table], ...] = ()
    remarks: tuple[str, ...] = ()
    upright: bool = False


def shown_run(run: Run) -> Shown:
    """The run of a plan: its table, LoadGen's tests, what failed, three sentences."""
    main = table(run)
    others = (("MLPerf LoadGen", loadgen_table(run)), ("Bound", bound_table(run)))
    failed = [f"{row.trial} failed: {row.failure}" for row in main.rows if row.failure]
    return Shown(
        title=f"{run.task.name}: {run.model.name}",
        table=main,
        others=tuple((title, other) for title, other in others if other.rows),
        remarks=tuple(remark for remark in (*failed, totals_remark(run)) if remark),
        conclusions=tuple(conclusions(run)),
    )
