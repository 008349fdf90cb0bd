"""A run in the terminal: one table, three sentences, what failed."""

from __future__ import annotations

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from wattmark.cli.columns import drawn, stdout
from wattmark.records import Run
from wattmark.reports.cells import Row
from wattmark.reports.cells import Table as TableModel
from wattmark.reports.conclusions import conclusions
from wattmark.reports.loadgen_rows import bound_table, loadgen_table
from wattmark.reports.rows import table as table_of

#: Wide enough for all columns where the output is a file or a pipe.
_UNBOUNDED_WIDTH = 320
#: What a column needs beside its text: a border and two spaces.
_COLUMN_EXTRA = 3


def print_run(run: Run) -> None:
    """Print to stdout: one wide table, or as many below each other as the terminal needs."""
    console = stdout(_UNBOUNDED_WIDTH)
    model = table_of(run)
    title = f"{run.task.name}: {run.model.name}"
    needs = _needed_widths(model)
    for number, columns in enumerate(_pages(needs, console.width)):
        page = Table(title=None if number else Text(title), header_style="bold")
        for at in columns:
            column = model.columns[at]
            justify: JustifyMethod = "right" if column.numeric else "left"
            page.add_column(Text(column.title), justify=justify, min_width=needs[at])
        for row in model.rows:
            page.add_row(*(Text(row.cells[at].text) for at in columns), style=_style(row))
        console.print(page)
    _print_loadgen(console, run)
    for row in model.rows:
        if row.failure:
            console.print(Text(f"{row.trial} failed: {row.failure}"))
    for sentence in conclusions(run):
        console.print(Text(f"• {sentence}"))


def _print_loadgen(console: Console, run: Run) -> None:
    for title, model in (("MLPerf LoadGen", loadgen_table(run)), ("Bound", bound_table(run))):
        if model.rows:
            console.print(drawn(model, title))


def _needed_widths(model: TableModel) -> list[int]:
    """Of each column: its longest cell, or the longest word of its heading."""
    return [
        max(
            *(len(word) for word in column.title.split()),
            *(len(row.cells[at].text) for row in model.rows if at == 0 or not row.failure),
            0,
        )
        for at, column in enumerate(model.columns)
    ]


def _pages(needs: list[int], width: int) -> list[list[int]]:
    """Columns of each table: as many as fit, the first one (the setup) in all."""
    pages: list[list[int]] = []
    left = 0
    for at in range(1, len(needs)):
        needed = needs[at] + _COLUMN_EXTRA
        if not pages or needed > left:
            pages.append([0])
            left = width - 1 - needs[0] - _COLUMN_EXTRA
        pages[-1].append(at)
        left -= needed
    return pages


def _style(row: Row) -> str:
    if row.failure or row.gate_passed is False:
        return "dim"
    return "bold" if row.baseline else ""
