"""A run in the terminal: its table, what failed, what to conclude."""

from __future__ import annotations

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from wattmark.cli.columns import drawn, stdout
from wattmark.reports.cells import Row
from wattmark.reports.cells import Table as TableModel
from wattmark.reports.shown import Shown

#: Wide enough for all columns where the output is a file or a pipe.
_UNBOUNDED_WIDTH = 320
#: What a column needs beside its text: a border and two spaces.
_COLUMN_EXTRA = 3


def print_shown(shown: Shown) -> None:
    """Print to stdout: one wide table, or as many below each other as the terminal needs."""
    console = stdout(_UNBOUNDED_WIDTH)
    if shown.upright:
        _print_upright(console, shown)
    else:
        _print_pages(console, shown)
    for title, model in shown.others:
        console.print(drawn(model, title))
    for remark in shown.remarks:
        console.print(Text(remark))
    for sentence in shown.conclusions:
        console.print(Text(f"• {sentence}"))


def _print_upright(console: Console, shown: Shown) -> None:
    """The only row of the table, a line a column."""
    table = Table(title=Text(shown.title), show_header=False)
    for column, cell in zip(shown.table.columns, shown.table.rows[0].cells, strict=True):
        table.add_row(Text(column.title), Text(cell.text))
    console.print(table)


def _print_pages(console: Console, shown: Shown) -> None:
    model = shown.table
    needs = _needed_widths(model)
    for number, columns in enumerate(_pages(needs, console.width)):
        page = Table(title=None if number else Text(shown.title), header_style="bold")
        for at in columns:
            column = model.columns[at]
            justify: JustifyMethod = "right" if column.numeric else "left"
            page.add_column(Text(column.title), justify=justify, min_width=needs[at])
        for row in model.rows:
            page.add_row(*(Text(row.cells[at].text) for at in columns), style=_style(row))
        console.print(page)


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
