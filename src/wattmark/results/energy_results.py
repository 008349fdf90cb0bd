"""Energy per query, and ratios to the baseline, from recorded rounds.

Energy per query is what the meter said over all counted rounds, divided by all *attempted*
queries: a failed query costs energy too. Ratios come from rounds paired by index
(:mod:`.ratio_results`); the scale that all modelled windows of one machine share cancels in them,
which is why a ratio is so much surer than an absolute figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wattmark.quantities import Quantity, Reason, least_trusted, sum_of_parts
from wattmark.records import ComparableEnergy, Energy, EnergyWindow, Round
from wattmark.results.idle_powers import IdlePowers
from wattmark.results.measurement import Measured
from wattmark.statistics import accuracy_quantity, pooled_rate
from wattmark.statistics.rates import rate_half_width


def energy_ratio(
    ours: Measured, baseline: Measured, common: Sequence[int], ratio: Quantity
) -> Quantity:
    """The ratio of gross energy, widened by what the meter's own end points say of it.

    ``ratio`` is that of the rounds in ``common``, missing where a round's energy is.
    """
    mine = ours.energy_j_per_query(common, "value")
    theirs = baseline.energy_j_per_query(common, "value")
    if mine is None or theirs is None or ratio.value is None:
        return ratio
    low, value, high = ratio.bounds()
    point = sum(mine) / sum(theirs)
    for end in ("low", "high"):
        numerator = ours.energy_j_per_query(common, end)
        denominator = baseline.energy_j_per_query(common, end)
        assert numerator is not None and denominator is not None
        if (scale := sum(denominator)) > 0:
            shift = sum(numerator) / scale / point
            low, high = min(low, value * shift), max(high, value * shift)
    windows = (w for side in (ours, baseline) for i in common for w in side.whole_windows(i))
    grade = least_trusted(*(window.gross.grade for window in windows))
    return Quantity.between(value, low, high, "1", level=ratio.level or 0.95, grade=grade)


def no_energy(measured: Measured) -> Quantity:
    """Why no ratio of energies is known of it."""
    for index in measured.rounds:
        for window in measured.whole_windows(index):
            if window.gross.reason is not None:
                return Quantity.missing("1", window.gross.reason, window.gross.detail)
    return Quantity.missing("1", Reason.NO_METER, "no meter was read")


def energies(
    rounds: Sequence[Round], scores: Sequence[float], idle: IdlePowers
) -> tuple[Energy, ...]:
    """Energy of each meter's domains, three ways. ``scores`` are those of the first answers."""
    by_domain: dict[tuple[str, str], list[tuple[Round, EnergyWindow]]] = {}
    for done in rounds:
        for window in done.energy:
            whole = idle.applied(window)
            by_domain.setdefault((window.meter, window.domain), []).append((done, whole))
    found = []
    for (meter, domain), windows in sorted(by_domain.items()):
        queries = [r.queries for r, _ in windows]
        per_query = energy_rate([w.gross for _, w in windows], queries, "query")
        idle_subtracted = energy_rate([w.idle_subtracted for _, w in windows], queries, "query")
        idle_allocated = energy_rate([w.idle_allocated for _, w in windows], queries, "query")
        found.append(
            Energy(
                meter=meter,
                domain=domain,
                per_query=per_query,
                idle_subtracted_per_query=idle_subtracted,
                idle_allocated_per_query=idle_allocated,
                per_1000_queries=per_query.to("Wh/kquery"),
                per_correct=_per_correct(per_query, scores),
                comparable=_comparable([w for _, w in windows], queries),
            )
        )
    return tuple(found)


def _comparable(
    windows: Sequence[EnergyWindow], queries: Sequence[float]
) -> ComparableEnergy | None:
    """Energy per query for comparisons; None where not all windows have one scale."""
    parts = [window.comparable for window in windows if window.comparable is not None]
    scales = {part.scale for part in parts}
    if len(parts) < len(windows) or len(scales) != 1:
        return None
    energy = energy_rate([part.energy for part in parts], queries, "query")
    return ComparableEnergy(scale=scales.pop(), energy=energy) if energy.known else None


def energy_rate(windows: Sequence[Quantity], counts: Sequence[float], unit: str) -> Quantity:
    """Joules per ``unit``: all windows over all counts.

    The spread between rounds comes on top of what the meter says of itself.
    """
    gross = sum_of_parts((None, window) for window in windows)
    if gross.reason is not None:
        return Quantity.missing(f"J/{unit}", gross.reason, gross.detail)
    meter = (gross.to("J") * (1.0 / sum(counts))).model_copy(update={"unit": f"J/{unit}"})
    values = [window.to("J").bounds()[1] for window in windows]
    if min(values) < 0:  # near idle, noise takes some rounds below it: no logarithm then
        if len(values) < 2:
            return meter
        half = rate_half_width(np.asarray(values), np.asarray(counts, dtype=np.float64))
        return meter + Quantity.between(0.0, -half, half, meter.unit, grade=meter.grade)
    spread = pooled_rate(values, counts, "1")
    return meter if spread.value is None else meter * (spread / spread.value)


def _per_correct(per_query: Quantity, scores: Sequence[float]) -> Quantity:
    if any(map(math.isnan, scores)):
        whole = all(map(math.isnan, scores))
        reason = Reason.NOT_ASKED if whole else Reason.NOT_SUPPORTED
        return Quantity.missing("J/correct", reason, "answers without a label cannot be scored")
    if any(score not in (0.0, 1.0) for score in scores):
        detail = "the task's answers are better or worse, not right or wrong"
        return Quantity.missing("J/correct", Reason.NOT_SUPPORTED, detail)
    accuracy = accuracy_quantity(sum(scores), len(scores))
    if accuracy.value is None or not accuracy.value or not accuracy.low:
        return Quantity.missing("J/correct", Reason.NO_CORRECT_ANSWER)
    low, value, high = accuracy.bounds()
    share = Quantity.between(value, low, high, "correct/query", level=accuracy.level or 0.95)
    return per_query / share
