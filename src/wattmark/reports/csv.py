"""A run as CSV: one line per setup, full precision, for a spreadsheet or a data frame.

A figure takes four columns: value, ``_low``, ``_high``, and ``_missing`` with the reason code
where there is none. Units are in the headings.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from wattmark.contracts import Reported
from wattmark.records import Run
from wattmark.reports.cells import Cell, Column, Row, Table
from wattmark.reports.rows import table


class Csv:
    """``csv``: one line a setup, for a spreadsheet or a data frame."""

    name = "csv"
    title = "one line a setup, for a spreadsheet or a data frame"

    def render(self, reported: Reported) -> str:
        """The table, in full precision."""
        return render_csv(reported.run)


def render_csv(run: Run) -> str:
    """The run's table as CSV (RFC 4180, lines ended by LF)."""
    content = table(run)
    lines = [[*_heads(content), "baseline", "gate_passed", "failure"]]
    for row in content.rows:
        gate = "" if row.gate_passed is None else str(row.gate_passed).lower()
        last = [str(row.baseline).lower(), gate, _safe(row.failure)]
        lines.append([*_cells(content, row), *last])
    return _written(lines)


def table_csv(content: Table, about: Mapping[str, str]) -> str:
    """A table as CSV, each row after the same texts ``about`` all of them."""
    first = [_safe(text) for text in about.values()]
    rows = [[*first, *_cells(content, row)] for row in content.rows]
    return _written([[*about, *_heads(content)], *rows])


def _written(lines: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def _heads(content: Table) -> list[str]:
    return [name for column in content.columns for name in _names(column)]


def _cells(content: Table, row: Row) -> list[str]:
    pairs = zip(content.columns, row.cells, strict=True)
    return [value for column, cell in pairs for value in _values(column, cell)]


def _is_figure(column: Column) -> bool:
    return column.numeric and not column.key.startswith("stars_")


def _names(column: Column) -> list[str]:
    if not _is_figure(column):
        return [column.key]
    unit = {"%": "percent"}.get(column.unit, column.unit)
    name = "_".join([column.key, *re.findall(r"\w+", unit.replace("/", " per "))])
    return [name, f"{name}_low", f"{name}_high", f"{name}_missing"]


def _values(column: Column, cell: Cell) -> list[str]:
    if not _is_figure(column):
        return [_safe(cell.text)]
    quantity = cell.quantity
    if quantity is None or quantity.value is None:
        return ["", "", "", str(quantity.reason) if quantity else ""]
    low, value, high = quantity.bounds()
    return [repr(value), repr(low), repr(high), ""]


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
