"""Impact as tables of text: lines by basis, places side by side, and every line explained."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.factors import Factor
from wattmark.formatting import DASH, quantity_text
from wattmark.impact import Impact
from wattmark.impact.amounts import in_a_year
from wattmark.quantities import Quantity

#: unit of one thing -> larger and smaller ones, smallest first, for figures that read well
_SCALES = {
    "Wh": ("uWh", "mWh", "Wh", "kWh", "MWh", "GWh"),
    "g": ("ng", "ug", "mg", "g", "kg", "t"),
    "mL": ("nL", "uL", "mL", "L", "m3"),
    "mgSb": ("ngSb", "ugSb", "mgSb", "gSb", "kgSb"),
    "MJ": ("J", "kJ", "MJ"),
}


def bases(impact: Impact, volume: Quantity | None) -> list[tuple[str, Quantity | None]]:
    """Titles of the columns, and what a figure per query is multiplied by for each.

    A bare amount of energy has one basis. ``volume`` is in query/year.
    """
    if not impact.use.per:
        return [(impact.use.name, None)]
    columns: list[tuple[str, Quantity | None]] = [
        ("per query", Quantity.exact(1.0, "query")),
        ("per 1 000 queries", Quantity.exact(1000.0, "query")),
    ]
    tokens = impact.use.tokens
    if tokens is not None and tokens.known and tokens.bounds()[0] > 0:
        columns.append(("per output token", Quantity.exact(1.0, "1") / tokens))
    if volume is not None:
        columns.append(("per year", in_a_year(volume)))
    return columns


def in_own_unit(quantity: Quantity, basis: Quantity | None) -> Quantity:
    """A figure per query on another basis, in its own unit: Wh/query gives Wh, or Wh/token."""
    if basis is None:
        return quantity
    figure = quantity * basis
    tail = "".join(f"/{below}" for below in figure.unit.split("/")[1:])
    return figure.to(quantity.unit.split("/")[0] + tail)


def on_basis(quantity: Quantity, basis: Quantity | None = None) -> Quantity:
    """A figure per query on another basis, in the unit of its kind that reads well.

    The kind is that of its own unit: primary energy stays in joules, electricity in watt-hours.
    """
    figure = quantity if basis is None else quantity * basis
    kind = quantity.unit.split("/")[0]
    scale = next((s for s in _SCALES.values() if kind in s), None)
    if not figure.known or scale is None:
        return figure
    tail = "".join(f"/{below}" for below in figure.unit.split("/")[1:])
    units = [f"{unit}{tail}" for unit in scale]
    fits = [unit for unit in units if abs(figure.to(unit).bounds()[1]) >= 1 - 1e-9]
    return figure.to(fits[-1] if fits else units[0])


def lines_table(impact: Impact, volume: Quantity | None) -> tuple[list[str], list[list[str]]]:
    """Header and rows: one line of impact a row, one basis a column."""
    columns = bases(impact, volume)
    header = ["", *(title for title, _ in columns)]
    rows = []
    for line in impact.lines:
        cells = [cell(on_basis(line.quantity, basis)) for _, basis in columns]
        # why a line is missing is said once
        rows.append([line.title, *(cells if line.quantity.known else cells[:1])])
    return header, [row + [DASH] * (len(header) - len(row)) for row in rows]


def cell(quantity: Quantity) -> str:
    """The figure with its range and unit, or a dash and what is lacking."""
    if quantity.known:
        return quantity_text(quantity)
    assert quantity.reason is not None
    return f"{DASH} {quantity.detail or quantity.reason.sentence}"


#: Lines that are put side by side for several places.
COMPARED = ("energy_facility", "carbon_location", "carbon_total", "water_total", "water_off_site")


def comparison_table(impacts: Sequence[Impact]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: one place a row, least carbon first; what no place has is left out."""
    keys = [k for k in COMPARED if any(i.line(k).quantity.known for i in impacts)]
    known = [i for i in impacts if i.line("carbon_location").quantity.known]
    unknown = [i for i in impacts if i not in known]
    known.sort(key=lambda i: i.line("carbon_location").quantity.bounds()[1])
    rows = [
        [i.place.name, *(cell(on_basis(i.line(key).quantity)) for key in keys)]
        for i in (*known, *unknown)
    ]
    return ["Place", *(impacts[0].line(key).title for key in keys)], rows


def explained(impact: Impact) -> list[str]:
    """Every line with its formula, and under it every factor with range and source."""
    lines = []
    for line in impact.lines:
        lines += [f"{line.title}: {cell(on_basis(line.quantity))}"]
        lines += [f"  = {line.formula}"]
        lines += [f"  {text}" for factor in line.factors for text in factor_lines(factor)]
    return lines


def factor_lines(factor: Factor) -> list[str]:
    """A factor with its range, its note, and each of its sources on a line."""
    note = f" ({factor.note})" if factor.note else ""
    lines = [f"{factor.name}: {cell(factor.quantity)}{note}"]
    return lines + [f"  source: {source}" for source in factor.sources]
