"""Ratios of all setups of a run to its baseline, from rounds paired by index.

They are made together: what all setups say of the spread between processes goes into the interval
of each. Where a run says too little, this machine's earlier runs do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from wattmark.conduct.recorder import log_latency_ratios
from wattmark.quantities import Quantity, Reason
from wattmark.records import Plan, ProcessSpread, ProcessSpreads, Ratios
from wattmark.results.energy_results import energy_ratio, no_energy
from wattmark.results.measurement import Measured, with_shared_meters
from wattmark.statistics import (
    Costs,
    PastSpread,
    PastSpreads,
    PooledRatio,
    pooled_ratios,
)
from wattmark.statistics.ratios import MIN_ROUNDS, no_cost, too_few_rounds

#: Log of what a round's queries cost over what the baseline's did, by index, or why it is missing.
_LogCosts = Callable[[Measured, Measured], dict[int, float] | Quantity]


def ratios(
    plan: Plan, measured: Mapping[str, Measured], past: PastSpreads | None = None
) -> dict[str, Ratios]:
    """Each trial over the baseline; all missing where the baseline has no round in common."""
    baseline = measured[plan.baseline_label]
    seen = past or {}
    latency = _figure(plan, measured, _latencies, seen.get("latency", {}))
    cpu_time = _figure(plan, measured, _cpu_times, seen.get("cpu_time", {}))
    # of energy the store keeps no past of its own: it goes with time
    energy = _figure(plan, measured, _energies, seen.get("latency", {}))
    found = {}
    for trial, ours in measured.items():
        if trial == plan.baseline_label:
            found[trial] = _of_baseline(ours)
        elif not (common := _common(ours, baseline)):
            missing = Quantity.missing(
                "1", Reason.NO_BASELINE, f"{plan.baseline_label} has no result"
            )
            found[trial] = Ratios(latency=missing, cpu_time=missing, energy=missing)
        else:
            found[trial] = Ratios(
                latency=_ratio(latency[trial]),
                cpu_time=_ratio(cpu_time[trial]),
                energy=energy_ratio(
                    *with_shared_meters(ours, baseline, common), common, _ratio(energy[trial])
                ),
                processes=ProcessSpreads(
                    latency=_spread(latency[trial]),
                    cpu_time=_spread(cpu_time[trial]),
                    energy=_spread(energy[trial]),
                ),
            )
    return found


def _figure(
    plan: Plan,
    measured: Mapping[str, Measured],
    log_costs: _LogCosts,
    past: Mapping[str, Sequence[PastSpread]],
) -> dict[str, PooledRatio | Quantity]:
    """The ratio of each trial but the baseline, or why it is missing."""
    frameworks = {setup.label: setup.framework for setup in plan.setups}
    baseline = measured[plan.baseline_label]
    found: dict[str, PooledRatio | Quantity] = {}
    setups = {}
    for trial, ours in measured.items():
        logs = log_costs(ours, baseline)
        if isinstance(logs, Quantity):
            found[trial] = logs
        elif trial != plan.baseline_label:
            found[trial] = too_few_rounds(len(logs))
            setups[trial] = _costs(ours, logs, past.get(frameworks[trial], ()))
    own = _costs(baseline, {}, past.get(frameworks[plan.baseline_label], ()))
    return {**found, **pooled_ratios(setups, own)}


def _costs(ours: Measured, logs: dict[int, float], past: Sequence[PastSpread]) -> Costs:
    executions = {index: done.execution for index, done in ours.rounds.items()}
    return Costs(logs, executions, tuple(past))


def _common(ours: Measured, baseline: Measured) -> list[int]:
    return sorted(ours.rounds.keys() & baseline.rounds.keys())


def _latencies(ours: Measured, baseline: Measured) -> dict[int, float]:
    return log_latency_ratios(ours.samples, baseline.samples)


def _cpu_times(ours: Measured, baseline: Measured) -> dict[int, float] | Quantity:
    common = _common(ours, baseline)
    return _logs(common, ours.cpu_s_per_query(common), baseline.cpu_s_per_query(common))


def _energies(ours: Measured, baseline: Measured) -> dict[int, float] | Quantity:
    common = _common(ours, baseline)
    ours, baseline = with_shared_meters(ours, baseline, common)
    mine = ours.energy_j_per_query(common, "value")
    theirs = baseline.energy_j_per_query(common, "value")
    if mine is None or theirs is None:
        return no_energy(ours if mine is None else baseline)
    if min(*mine, *theirs) < 0:
        detail = "a round used less than nothing, by noise: there is no ratio to it"
        return Quantity.missing("1", Reason.WINDOW_TOO_SHORT, detail)
    return _logs(common, mine, theirs)


def _logs(
    common: Sequence[int], ours: Sequence[float], theirs: Sequence[float]
) -> dict[int, float] | Quantity:
    if len(common) >= MIN_ROUNDS and min(*ours, *theirs) <= 0:
        return no_cost()
    pairs = zip(common, ours, theirs, strict=True)
    return {index: math.log(a / b) for index, a, b in pairs if a > 0 and b > 0}


def _of_baseline(ours: Measured) -> Ratios:
    one = Quantity.exact(1.0, "1")
    known = ours.energy_j_per_query(sorted(ours.rounds), "value") is not None
    return Ratios(latency=one, cpu_time=one, energy=one if known else no_energy(ours))


def _ratio(found: PooledRatio | Quantity) -> Quantity:
    return found if isinstance(found, Quantity) else found.ratio


def _spread(found: PooledRatio | Quantity) -> ProcessSpread | None:
    if isinstance(found, Quantity):
        return None
    return ProcessSpread(
        source=found.source.value,
        degrees=found.degrees,
        sd=found.spread,
        executions=found.executions,
    )
