"""Rows of text in aligned columns: coloured in a terminal, plain in a file or a pipe."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wattmark.reports.cells import Table as TableModel

#: Wide enough for all columns where the output is a file or a pipe.
_UNBOUNDED_WIDTH = 400


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        """Leave to ``main`` what it means that the reader has gone."""
        raise BrokenPipeError


def stdout(width: int = _UNBOUNDED_WIDTH) -> Console:
    """The console of what a verb prints; ``width`` is that of a file or a pipe."""
    console = _Stdout(highlight=False)
    return console if console.is_terminal else _Stdout(highlight=False, width=width)


def drawn(model: TableModel, title: str | None = None) -> Table:
    """A report's table, with lines: a column each, numbers to the right."""
    found = Table(title=None if title is None else Text(title), header_style="bold")
    for column in model.columns:
        found.add_column(Text(column.title), justify="right" if column.numeric else "left")
    for row in model.rows:
        found.add_row(*(Text(cell.text) for cell in row.cells))
    return found


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table without lines; the last column takes what is left of the width."""
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        drawn.add_column(Text(heading), overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn
