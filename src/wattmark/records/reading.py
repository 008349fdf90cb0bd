"""What a result says: pure functions of records, the same for stars, tables, boards and exports.

A figure's point, interval and grade come from one function here. Energies of several domains are
added up as :mod:`wattmark.records.domains` says: each domain once, by the best known figure; where
the node was metered, it is the sum; where it was modelled, it stands for processor and memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wattmark.quantities import Quantity, Reason
from wattmark.records.domains import counting, counts_as, summed, total
from wattmark.records.measured import ComparableEnergy, EnergyWindow
from wattmark.records.result import Energy, PhaseResult, Result, Run


def ok(result: Result) -> bool:
    """Whether the trial gave a result."""
    return result.status == "ok"


def baseline_result(run: Run) -> Result | None:
    """The baseline's result, or None where it failed or was never run."""
    return next((r for r in run.results if r.id == run.plan.baseline_label and ok(r)), None)


def counted_energies(parts: Sequence[Energy]) -> list[Energy]:
    """Of each domain the energy that counts; what other instruments say of it stands beside."""
    said = [(counts_as(part.meter, part.domain), part.per_query) for part in parts]
    return [parts[at] for at in counting(said)]


def whole_energy(parts: Iterable[Energy]) -> Quantity | None:
    """Gross energy per attempted query over all domains, J/query; None where none is listed."""
    return total((counts_as(part.meter, part.domain), part.per_query) for part in parts)


def energy_per_query(result: Result) -> Quantity | None:
    """Gross energy per attempted query over all domains, J/query; None where none is listed."""
    return whole_energy(result.energy)


def comparable_per_query(result: Result) -> ComparableEnergy | None:
    """:func:`energy_per_query` for comparisons with results of the same scale and machine.

    None where there is no scale, or where energies of several domains are added up: then what one
    of them is off by is not a factor of the sum.
    """
    its = _adding_up(result)
    return its[0].comparable if len(its) == 1 else None


def _adding_up(result: Result) -> list[Energy]:
    """The energies that :func:`energy_per_query` is the sum of."""
    counted = counted_energies(result.energy)
    whole = summed(counts_as(energy.meter, energy.domain) for energy in counted)
    return [e for e in counted if counts_as(e.meter, e.domain) in whole]


def energy_among_setups(run: Run, result: Result) -> Quantity | None:
    """:func:`energy_per_query` with the interval that matters between setups of a run.

    That is ``energy_relative`` times the baseline's point estimate: what is uncertain for all
    setups alike (the scale of a power model) is left out. Falls back on the absolute interval.
    """
    baseline = baseline_result(run)
    scale = energy_per_query(baseline) if baseline else None
    relative = result.energy_relative
    if scale is None or scale.value is None or relative is None or relative.value is None:
        return energy_per_query(result)
    return Quantity.exact(scale.value, scale.unit, scale.grade) * relative


def energy_per_correct(result: Result) -> Quantity | None:
    """Gross energy per right answer over all domains, J/correct; None where none is listed."""
    return total((counts_as(e.meter, e.domain), e.per_correct) for e in result.energy)


def energy_per_unit(phase: PhaseResult) -> Quantity | None:
    """Gross energy of a phase per unit of its work over all domains; None where none is listed."""
    return total((counts_as(e.meter, e.domain), e.per_unit) for e in phase.energy)


def energy_ratio(result: Result) -> Quantity | None:
    """Energy over the baseline's from paired rounds, or None where there are no ratios."""
    return result.ratios.energy if result.ratios else None


def median_latency(result: Result) -> Quantity | None:
    """Median time to answer a query, ms; None where none is listed."""
    return result.latency.p50 if result.latency else None


def instruments(result: Result) -> str:
    """Names of the meters whose figures add up to the energy per query: ``nvml + rapl``.

    Empty where there was none. A figure that another holds stands beside it and is not named.
    """
    return " + ".join(sorted({e.meter for e in _adding_up(result)}))


def mean_power(window: EnergyWindow) -> Quantity:
    """Gross energy over the time between a window's two readings, in W."""
    wall_s = (window.after.time_ns - window.before.time_ns) / 1e9
    if wall_s <= 0:
        return Quantity.missing("W", Reason.WINDOW_TOO_SHORT)
    return (window.gross / Quantity.exact(wall_s, "s")).to("W")
