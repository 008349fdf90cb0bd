"""What a result says: pure functions of records, the same for stars, tables, boards and exports.

A figure's point, interval and grade come from one function here. Energies of several domains are
added up as :mod:`wattmark.records.domains` says: each domain once, by the best known figure; where
the node was metered, it is the sum; where it was modelled, it stands for processor and memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wattmark.quantities import Quantity, Reason
from wattmark.records.common_parts import Parts, ratio
from wattmark.records.domains import counting, counts_as, summed, total
from wattmark.records.measured import ComparableEnergy, EnergyWindow
from wattmark.records.result import Energy, PhaseResult, Result, Run

#: By how much the quotient of two energies may differ from their ratio without a word about it.
APART = 0.05


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

    The same point. Where all energies of the run share a scale, the interval is the comparable
    one: what is unknown of all setups alike is left out. Else it is the whole one.
    """
    whole, own = energy_per_query(result), comparable_per_query(result)
    known = [r for r in run.results if ok(r) and (e := energy_per_query(r)) is not None and e.known]
    scales = {c.scale if (c := comparable_per_query(r)) else "" for r in known}
    if whole is None or not whole.known or own is None or len(scales) != 1:
        return whole
    low, _, high = own.energy.to(whole.unit).bounds()
    value = whole.bounds()[1]
    return whole.model_copy(update={"low": min(low, value), "high": max(high, value)})


def energy_parts(result: Result) -> Parts | None:
    """What :func:`energy_per_query` shares with others of its machine, and what is its own.

    None where it is missing, or not above 0 down to its lower end.
    """
    whole, own = energy_per_query(result), comparable_per_query(result)
    if whole is None or not whole.known:
        return None
    if own is None:
        return Parts.of(whole, None)
    return Parts.of(whole, own.energy, own.idle_effect or 0.0, own.scale)


def energy_ratio_to(result: Result, other: Result) -> Quantity | None:
    """The energy of a result over that of another of its run, by their ratios to the baseline.

    Where both share a scale, the interval is what the model of it leaves of the two
    (:mod:`wattmark.records.common_parts`); else the extremes of both ratios. None where one has no
    ratio.
    """
    ours, theirs = result.energy_relative, other.energy_relative
    if ours is None or theirs is None:
        return None
    mine, its = energy_parts(result), energy_parts(other)
    baseline = any(q.low == q.high for q in (ours, theirs))  # or missing
    if baseline or mine is None or its is None or not mine.name or mine.name != its.name:
        return ours / theirs
    return ratio(ours, theirs, mine, its)


def energy_per_correct(result: Result) -> Quantity | None:
    """Gross energy per right answer over all domains, J/correct; None where none is listed."""
    return total((counts_as(e.meter, e.domain), e.per_correct) for e in result.energy)


def energy_per_unit(phase: PhaseResult) -> Quantity | None:
    """Gross energy of a phase per unit of its work over all domains; None where none is listed."""
    return total((counts_as(e.meter, e.domain), e.per_unit) for e in phase.energy)


def energy_ratio(result: Result) -> Quantity | None:
    """Energy over the baseline's from paired rounds, or None where there are no ratios.

    It is trimmed over rounds, so that a disturbed round does not move it; the totals of
    :func:`energy_per_query` hold every round. See :func:`totals_apart`.
    """
    return result.ratios.energy if result.ratios else None


def totals_apart(run: Run, result: Result) -> float | None:
    """The quotient of the totals, where it is another than :func:`energy_ratio`.

    That is outside its interval, or by more than :data:`APART` off. Then some rounds were
    disturbed: the ratio leaves them out, the energy per query holds them. None where the two agree,
    or one is missing.
    """
    baseline, by_rounds = baseline_result(run), energy_ratio(result)
    whole = [energy_per_query(r) for r in (result, baseline) if r is not None]
    if by_rounds is None or not by_rounds.known or len(whole) < 2:
        return None
    if any(q is None or not q.known or q.bounds()[1] <= 0 for q in whole):
        return None
    ours, theirs = (q.to("J/query").bounds()[1] for q in whole if q is not None)
    low, value, high = by_rounds.bounds()
    quotient = ours / theirs
    near = value / (1 + APART) <= quotient <= value * (1 + APART)
    return None if near and low * (1 - 1e-9) <= quotient <= high * (1 + 1e-9) else quotient


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
