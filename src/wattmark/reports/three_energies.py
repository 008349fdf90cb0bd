"""The three energies of every setup and domain, as a table.

Gross: all that the domain used during the rounds. Idle-subtracted: what the work added. Idle-
allocated: that, and the work's share of what the domain draws at idle (docs/meters.md).
"""

from __future__ import annotations

from wattmark.records import Run
from wattmark.records.reading import counted_energies, ok
from wattmark.reports.cells import Column, Row, Table, figure_cell, text_cell
from wattmark.reports.rows import sort_key

COLUMNS = (
    Column("setup", "Setup", numeric=False),
    Column("domain", "Domain", numeric=False),
    Column("meter", "Instrument", numeric=False),
    Column("gross", "Gross", "J/query"),
    Column("idle_subtracted", "Idle-subtracted", "J/query"),
    Column("idle_allocated", "Idle-allocated", "J/query"),
)


def three_energies(run: Run) -> Table:
    """A row for each setup and domain that was measured, in the order of the run's table."""
    rows = []
    for result in sorted(filter(ok, run.results), key=sort_key):
        counted = counted_energies(result.energy)
        for energy in result.energy:
            beside = "" if energy in counted else " (beside: another counts)"
            ways = (
                energy.per_query,
                energy.idle_subtracted_per_query,
                energy.idle_allocated_per_query,
            )
            rows.append(
                Row(
                    trial=result.id,
                    baseline=result.id == run.plan.baseline_label,
                    gate_passed=None,
                    failure="",
                    cells=(
                        text_cell(result.id),
                        text_cell(energy.domain),
                        text_cell(energy.meter + beside),
                        *(figure_cell(way.to("J/query")) for way in ways),
                    ),
                )
            )
    return Table(COLUMNS, tuple(rows))
