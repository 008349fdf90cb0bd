"""Tables of a report: columns, rows, and cells that hold a figure or the reason for its absence.

Units stand in the columns, so cells hold bare numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from wattmark.formatting import DASH, figure_texts, missing_text
from wattmark.quantities import Quantity


@dataclass(frozen=True)
class Column:
    """One column. ``key`` is its stable name in CSV; ``unit`` is empty for text and ratios."""

    key: str
    heading: str
    unit: str = ""
    numeric: bool = True

    @property
    def title(self) -> str:
        """Heading and unit in one: ``Latency p50, ms``."""
        return f"{self.heading}, {self.unit}" if self.unit else self.heading


@dataclass(frozen=True)
class Cell:
    """One figure as text, whole or in two parts, and as the quantity behind it (if any).

    ``interval`` holds the reason where the figure is ``missing``.
    """

    text: str
    value: str
    interval: str = ""
    quantity: Quantity | None = None
    missing: bool = False


@dataclass(frozen=True)
class Row:
    """One setup. ``failure`` says why a failed trial has no figures; ``gate_passed`` is None
    where the quality gate could not be applied."""

    trial: str
    baseline: bool
    gate_passed: bool | None
    failure: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """The columns and rows of a run."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def cell(self, trial: str, key: str) -> Cell:
        """The cell of that trial in the column with that key. Raises KeyError."""
        for row in self.rows:
            for column, cell in zip(self.columns, row.cells, strict=True):
                if (row.trial, column.key) == (trial, key):
                    return cell
        raise KeyError((trial, key))

    def without(self, key: str) -> Table:
        """The table less the column with that key."""
        kept = [n for n, column in enumerate(self.columns) if column.key != key]
        rows = tuple(replace(r, cells=tuple(r.cells[n] for n in kept)) for r in self.rows)
        return Table(tuple(self.columns[n] for n in kept), rows)


def figure_cell(quantity: Quantity) -> Cell:
    """A figure with its interval, or why it is missing."""
    if quantity.reason is not None:
        return missing_cell(quantity.reason, quantity)
    low, value, high = quantity.bounds()
    return bounds_cell(value, low, high, quantity)


def bounds_cell(value: float, low: float, high: float, quantity: Quantity | None = None) -> Cell:
    """A figure with its interval, in the unit of its column."""
    text, interval = figure_texts(value, low, high)
    return Cell(f"{text} {interval}".rstrip(), text, interval, quantity)


def missing_cell(reason: str, quantity: Quantity | None = None) -> Cell:
    """A dash with the reason."""
    return Cell(missing_text(reason), DASH, f"({reason})", quantity, missing=True)


def text_cell(text: str) -> Cell:
    """A cell that is no figure."""
    return Cell(text, text)
