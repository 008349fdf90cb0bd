"""The setups of a run as points of quality against energy, latency or money."""

from __future__ import annotations

from dataclasses import replace

from wattmark.formatting import percent_if_shares
from wattmark.impact.amounts import parse_price
from wattmark.quantities import Quantity
from wattmark.rating.pareto import Point
from wattmark.records import Result, Run
from wattmark.records.reading import (
    energy_among_setups,
    energy_parts,
    energy_per_query,
    median_latency,
    ok,
)
from wattmark.workflows.placing import use_of


def costs(
    run: Run, cost: str, *, price: str | None = None, instance_price: str | None = None
) -> dict[str, Quantity | None]:
    """What a query costs in each setup that gave a result, by its id; in money, 1 000 queries.

    ``cost`` is ``energy``, ``latency`` (the median) or ``money``: then ``price`` is that of
    electricity (``0.25EUR/kWh``), or else ``instance_price`` that of the rented machine
    (``3.20USD/h``). Electricity is that of the machine alone: what a building adds is the same for
    all. Raises ImpactError for a price that cannot be read.
    """
    results = [result for result in run.results if ok(result)]
    if cost == "energy":
        return {r.id: energy_per_query(r) for r in results}
    if cost == "latency":
        return {r.id: median_latency(r) for r in results}
    thousand = Quantity.exact(1000.0, "query")
    if price is not None:
        per_kwh = parse_price(price, "kWh", "price")
        energies = {r.id: energy_per_query(r) for r in results}
        return {id_: e and e * per_kwh * thousand for id_, e in energies.items()}
    per_hour = parse_price(instance_price or "", "h", "instance_price")
    return {r.id: use_of(r).time * per_hour * thousand for r in results}


def points(
    run: Run, figures: dict[str, Quantity | None], cost: str
) -> tuple[list[Point], dict[str, str]]:
    """Setups with quality and a figure of :func:`costs`, and why the others are not among them.

    All qualities are in one unit.
    """
    found: list[Point] = []
    left_out: dict[str, str] = {}
    for result in run.results:
        if not ok(result):
            left_out[result.id] = "the trial failed"
            continue
        figure = figures[result.id]
        quality = result.quality.value if result.quality else None
        if figure is None or not figure.known or quality is None or not quality.known:
            left_out[result.id] = f"no {'quality' if figure and figure.known else cost}"
        elif result.quality is not None and result.quality.gate_passed is False:
            left_out[result.id] = "it misses the quality gate"
        else:
            found.append(_point(run, result, figure, quality))
    qualities = percent_if_shares(point.quality for point in found)
    return [replace(p, quality=q) for p, q in zip(found, qualities, strict=True)], left_out


def _point(run: Run, result: Result, figure: Quantity, quality: Quantity) -> Point:
    """A point; one whose cost is made of its energy (and so has a grade) shares its scale."""
    whole, among = energy_per_query(result), energy_among_setups(run, result)
    if figure.grade is None or whole is None or among is None or not whole.value or whole == among:
        return Point(result.id, figure, quality)
    value = figure.bounds()[1]
    low, high = (value * end / whole.value for end in (among.bounds()[0], among.bounds()[2]))
    ends = figure.model_copy(update={"low": low, "high": high})
    return Point(result.id, figure, quality, among=ends, parts=energy_parts(result))
