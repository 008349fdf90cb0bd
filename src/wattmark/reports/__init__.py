"""What a run looks like to a reader: tables, conclusions, charts, and the formats that hold them.

What a figure *is* (sum over domains, interval, grade) is read from ``records``; here it gets words,
digits and a place. Nothing here computes a statistic, stores, or talks to a terminal.

A format is one file, found by its entry point in the group ``wattmark.reports``; what it must offer
is :class:`wattmark.contracts.ReportFormat`. The :func:`table` of a run is what formats share.
"""

from wattmark.reports.cells import Cell, Column, Row, Table
from wattmark.reports.rows import table

__all__ = ["Cell", "Column", "Row", "Table", "table"]
