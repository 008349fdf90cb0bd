"""A run in the terminal: one table, three sentences, what failed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wattmark.records import Run
from wattmark.reports.conclusions import conclusions
from wattmark.reports.rows import Row
from wattmark.reports.rows import table as table_of

#: Wide enough for all columns where the output is a file or a pipe.
_UNBOUNDED_WIDTH = 320


def print_run(run: Run) -> None:
    """Print to stdout; as wide as it needs to be where the output is not a terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_UNBOUNDED_WIDTH)
    model = table_of(run)
    drawn = Table(title=Text(f"{run.task.name}: {run.model.name}"), header_style="bold")
    for column in model.columns:
        drawn.add_column(Text(column.title), justify="right" if column.numeric else "left")
    for row in model.rows:
        cells = [Text(cell.text) for cell in row.cells]
        drawn.add_row(*cells, style=_style(row))
    console.print(drawn)
    for row in model.rows:
        if row.failure:
            console.print(Text(f"{row.trial} failed: {row.failure}"))
    for sentence in conclusions(run):
        console.print(Text(f"• {sentence}"))


def _style(row: Row) -> str:
    if row.failure or row.gate_passed is False:
        return "dim"
    return "bold" if row.baseline else ""
