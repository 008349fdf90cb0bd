"""Energy per query, and ratios to the baseline, from recorded rounds.

Energy per query is what the meter said over all counted rounds, divided by all *attempted*
queries: a failed query costs energy too. Ratios come from rounds paired by index
(:mod:`.ratio_results`); the scale that all modelled windows of one machine share cancels in them,
which is why a ratio is so much surer than an absolute figure. What two modelled energies do not
share, the program, stays in their ratio (`wattmark.records.common_parts`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wattmark.quantities import Quantity, Reason, least_trusted, sum_of_parts
from wattmark.records import ComparableEnergy, Energy, EnergyWindow, Round
from wattmark.records.common_parts import LEVEL, Parts, difference_sd, normal_z, widened
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
    low, value, high = _instruments(ratio, ours, baseline, common)
    windows = (w for side in (ours, baseline) for i in common for w in side.whole_windows(i))
    grade = least_trusted(*(window.gross.grade for window in windows))
    level, detail = ratio.level or LEVEL, ratio.detail
    found = Quantity.between(value, low, high, "1", level=level, grade=grade)
    parts = _modelled_parts(ours, common), _modelled_parts(baseline, common)
    return widened(found.model_copy(update={"detail": detail}), difference_sd(*parts))


def _instruments(
    ratio: Quantity, ours: Measured, baseline: Measured, common: Sequence[int]
) -> tuple[float, float, float]:
    """Bounds of the ratio, no narrower than it is between the ends of the meters' intervals.

    Windows that are modelled count here as they are with their idle share held fixed.
    """
    low, value, high = ratio.bounds()
    sides = [[w for i in common for w in side.whole_windows(i)] for side in (ours, baseline)]
    queries = [sum(side.rounds[i].queries for i in common) for side in (ours, baseline)]
    ends = [[math.fsum(part) for part in zip(*map(_ends, side), strict=True)] for side in sides]
    per_query = [[end / n for end in its] for its, n in zip(ends, queries, strict=True)]
    for ours_j, theirs_j in zip(*per_query, strict=True):
        if theirs_j > 0:
            shift = (ours_j / theirs_j) / (per_query[0][1] / per_query[1][1])
            low, high = min(low, value * shift), max(high, value * shift)
    return low, value, high


def _ends(window: EnergyWindow) -> tuple[float, float, float]:
    """(low, value, high) in J by what is unknown of the instrument, but not the idle share."""
    low, value, high = window.gross.to("J").bounds()
    comparable = window.comparable
    if comparable is None or comparable.idle_effect is None or low <= 0:
        return low, value, high
    idle = math.exp(normal_z(LEVEL) * abs(comparable.idle_effect))
    return min(low * idle, value), value, max(high / idle, value)


def _modelled_parts(measured: Measured, indices: Sequence[int]) -> Parts:
    """What the model's energies leave open in a ratio: the program, and the machine's idle share.

    Parts count by their share of the whole energy; all windows of a setup are of one program.
    """
    whole = program = idle = 0.0
    for window in (w for i in indices for w in measured.whole_windows(i)):
        joules = window.gross.to("J").bounds()[1]
        whole += joules
        its = window.comparable
        parts = its and its.idle_effect is not None and Parts.of(its.energy, None)
        if its and parts:
            effect = its.idle_effect or 0.0
            program += joules * math.sqrt(max(parts.own**2 - effect**2, 0.0))
            idle += joules * effect
    if whole <= 0:
        return Parts(0.0)
    return Parts(program / whole, idle=idle / whole, name="idle share of this machine")


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
    for (meter, domain), windows in by_domain.items():  # of one domain, the first named counts
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
                comparable=_comparable([w for _, w in windows], queries, per_query),
            )
        )
    return tuple(found)


def _comparable(
    windows: Sequence[EnergyWindow], queries: Sequence[float], whole: Quantity
) -> ComparableEnergy | None:
    """Energy per query for comparisons, at the level of the ``whole``; None without one scale.

    None too where a round used less than nothing by noise: it has no logarithm. Its parts are
    independent: the program, the idle share, and the spread between rounds.
    """
    parts = [window.comparable for window in windows if window.comparable is not None]
    scales = {part.scale for part in parts}
    if len(parts) < len(windows) or len(scales) != 1 or not whole.known:
        return None
    low, value, high = sum_of_parts((None, part.energy) for part in parts).to("J").bounds()
    joules = [part.energy.to("J").bounds()[1] for part in parts]
    if low <= 0 or min(joules) < 0 or not whole.level:
        return None
    found = Quantity.exact(whole.bounds()[1], whole.unit, whole.grade)
    found = found.model_copy(update={"level": whole.level})
    spread = pooled_rate(joules, queries, "1", level=whole.level)
    rounds = Parts.of(spread, None) if spread.known else None
    level = min(part.energy.level or 0.0 for part in parts)
    sd = math.log(high / low) / (2 * normal_z(level if level < 1 else LEVEL)) if level else 0.0
    told_apart = all(part.idle_effect is not None for part in parts)
    effect = sum(j * (p.idle_effect or 0.0) for j, p in zip(joules, parts, strict=True)) / value
    return ComparableEnergy(
        scale=scales.pop(),
        energy=widened(found, math.hypot(sd, rounds.own if rounds else 0.0)),
        idle_effect=effect if told_apart else None,
    )


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
