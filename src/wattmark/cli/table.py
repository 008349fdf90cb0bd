"""A run in the terminal: one table, three sentences, what failed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from wattmark.records import Run
from wattmark.reports.conclusions import conclusions
from wattmark.reports.rows import table as table_of


def print_run(run: Run) -> None:
    """Print to stdout; as wide as it needs to be where the output is not a terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=240)
    model = table_of(run)
    drawn = Table(title=f"{run.task.name}: {run.model.name}", header_style="bold")
    for column in model.columns:
        drawn.add_column(column.heading, justify="left" if column is model.columns[0] else "right")
    for row in model.rows:
        drawn.add_row(*(cell.text for cell in row.cells))
    console.print(drawn)
    for sentence in conclusions(run):
        console.print(f"- {sentence}")
