"""Phases of a trial's queries: time to first token, time per token, joules per token of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattmark.quantities import Quantity, Reason
from wattmark.records import (
    Latency,
    PhaseEnergy,
    PhaseEnergyResult,
    PhaseResult,
    PhaseWindow,
    Round,
)
from wattmark.results.energy_results import energy_rate
from wattmark.results.measurement import Measured
from wattmark.statistics import percentile_quantity, pooled_rate


def phases(measured: Measured) -> tuple[PhaseResult, ...]:
    """One result a phase, in order; empty where queries have none.

    Where queries have a single phase, a round's energy is that phase's.
    """
    rounds = measured.in_order()
    if not rounds or not rounds[0].phases:
        return ()
    if len(rounds[0].phases) == 1:
        rounds = [_whole_round(done) for done in rounds]
    answered = [_answered(measured, index) for index in sorted(measured.rounds)]
    return tuple(
        _phase(
            [done.phases[number] for done in rounds],
            [done.queries for done in rounds],
            [(ns[:, number], units[:, number]) for ns, units in answered],
        )
        for number in range(len(rounds[0].phases))
    )


def _whole_round(done: Round) -> Round:
    energy = tuple(PhaseEnergy(meter=w.meter, domain=w.domain, gross=w.gross) for w in done.energy)
    only = done.phases[0].model_copy(update={"energy": energy})
    return done.model_copy(update={"phases": (only,)})


def time_to_first_token(measured: Measured) -> Latency | None:
    """From a query's start to the end of its prefill; None where there is no prefill."""
    names = [window.phase for window in next(iter(measured.rounds.values())).phases]
    if "prefill" not in names:
        return None
    last = names.index("prefill") + 1
    spent = [_answered(measured, index)[0][:, :last].sum(axis=1) for index in measured.rounds]
    return latency([ns / 1e6 for ns in spent if ns.size])


def latency(blocks: Sequence[NDArray[np.float64]]) -> Latency:
    """Percentiles and mean of latencies in ms, one array a round."""
    return Latency(
        p50=percentile_quantity(blocks, 0.50, "ms"),
        p90=percentile_quantity(blocks, 0.90, "ms"),
        p95=percentile_quantity(blocks, 0.95, "ms"),
        p99=percentile_quantity(blocks, 0.99, "ms"),
        mean=pooled_rate([b.sum() for b in blocks], [b.size for b in blocks], "ms"),
    )


def _answered(measured: Measured, index: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    samples = measured.samples[index]
    mask = [error is None for error in samples.error]
    return samples.phase_ns[mask], samples.phase_units[mask]


def _phase(
    windows: Sequence[PhaseWindow],
    queries: Sequence[int],
    answered: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> PhaseResult:
    unit = windows[0].unit
    units = [window.units for window in windows]
    per_query = np.concatenate([u for _, u in answered]) if answered else np.empty(0)
    waited_ms = [float(ns.sum()) / 1e6 for ns, _ in answered]
    return PhaseResult(
        phase=windows[0].phase,
        unit=unit,
        units_per_query=_per_query(per_query, unit),
        latency=latency([ns / 1e6 for ns, _ in answered if ns.size]),
        time_per_unit=_rate(waited_ms, [float(u.sum()) for _, u in answered], f"ms/{unit}"),
        units_per_second=_rate(units, [window.seconds for window in windows], f"{unit}/s"),
        energy=_energies(windows, queries),
    )


def _per_query(units: NDArray[np.float64], unit: str) -> Quantity:
    name = f"{unit}/query"
    if not units.size:
        return Quantity.missing(name, Reason.TOO_FEW_SAMPLES, "no query was answered")
    if np.all(units == units[0]):
        return Quantity.exact(float(units[0]), name)
    return Quantity.between(float(units.mean()), units.min(), units.max(), name, level=1.0)


def _rate(numerators: Sequence[float], denominators: Sequence[float], unit: str) -> Quantity:
    if not all(denominators):
        detail = "a round had nothing of this phase"
        return Quantity.missing(unit, Reason.NOT_MEASURED, detail)
    return pooled_rate(numerators, denominators, unit)


def _energies(
    windows: Sequence[PhaseWindow], queries: Sequence[int]
) -> tuple[PhaseEnergyResult, ...]:
    unit = windows[0].unit
    said = [{(e.meter, e.domain): e.gross for e in window.energy} for window in windows]
    unsaid = Quantity.missing("J", Reason.NOT_MEASURED, "a round had nothing of this phase")
    units = [window.units for window in windows]
    none = Quantity.missing(f"J/{unit}", Reason.NOT_MEASURED, "no unit of this phase")
    found = []
    for meter, domain in dict.fromkeys(key for of_round in said for key in of_round):
        gross = [of_round.get((meter, domain), unsaid) for of_round in said]
        found.append(
            PhaseEnergyResult(
                meter=meter,
                domain=domain,
                per_query=energy_rate(gross, queries, "query"),
                per_unit=energy_rate(gross, units, unit) if all(units) else none,
            )
        )
    return tuple(found)
