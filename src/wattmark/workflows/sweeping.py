"""The batch-size curve of setups: latency, throughput, energy and memory against batch size.

One run a batch size, in which the setups take turns; a setup leaves where a larger batch no longer
pays. Running out of memory is a point of the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.advice.sweep_points import (
    SweepPoint,
    SweetSpots,
    goes_on,
    require_answerable,
    sweet_spots,
)
from wattmark.conduct.events import Observer, ignore
from wattmark.errors import InputError
from wattmark.records import Plan, Setup, StopReason
from wattmark.records.slo import Slo, parse_slo
from wattmark.workflows import runs

BATCHES = (1, 2, 4, 8, 16, 32)

#: Time for measuring one batch size of all setups, in s.
BUDGET_S = 20.0

#: Calls of a setup in a round, at least.
CALLS_A_ROUND = 2


@dataclass(frozen=True)
class Sweep:
    """All points, in the order of their batch; ``interrupted`` where Ctrl-C ended it."""

    points: tuple[SweepPoint, ...]
    slo: Slo | None
    interrupted: bool = False

    @property
    def best(self) -> SweetSpots:
        """Where to run it."""
        return sweet_spots(self.points, self.slo)


def sweep(
    plan: Plan,
    *,
    batches: Sequence[int] = BATCHES,
    slo: str | None = None,
    budget_s: float = BUDGET_S,
    observe: Observer = ignore,
) -> Sweep:
    """Widen the batch of every setup of a plan until it no longer pays.

    ``slo`` bounds what a sweet spot may do (``"p99<50ms"``). Batches that the plan's setups name
    themselves are ignored. Raises InputError for batches that do not go up, an objective that
    cannot be read or judged, and what :func:`wattmark.run` raises.
    """
    if not batches or sorted(set(batches)) != list(batches) or batches[0] < 1:
        raise InputError(f"batches {list(batches)} do not go up from 1 or more, each once")
    objective = parse_slo(slo) if slo else None
    require_answerable(objective)
    going = list(dict.fromkeys(s.model_copy(update={"batch": 1}) for s in plan.setups))
    points: list[SweepPoint] = []
    for batch in batches:
        run = runs.run(_step(plan, going, batch, budget_s), observe=observe)
        for setup in list(going):
            result = run.result(_of(setup, batch).label)
            points.append(SweepPoint(setup.label, batch, run.id, result))
            if not goes_on([p for p in points if p.label == setup.label]):
                going.remove(setup)
        if run.stop_reason is StopReason.INTERRUPTED:
            return Sweep(tuple(points), objective, interrupted=True)
        if not going:
            break
    return Sweep(tuple(points), objective)


def _of(setup: Setup, batch: int) -> Setup:
    return setup.model_copy(update={"batch": batch})


def _step(plan: Plan, setups: Sequence[Setup], batch: int, budget_s: float) -> Plan:
    """The plan of one batch size: one process a setup, rounds of a few whole batches."""
    rounds = max(2, min(plan.rounds, plan.samples // (CALLS_A_ROUND * batch)))
    return plan.fast().model_copy(
        update={
            "name": f"{plan.name[:50]}-b{batch}",
            "setups": tuple(_of(setup, batch) for setup in setups),
            "baseline": None,
            "samples": max(plan.samples, CALLS_A_ROUND * batch * rounds),
            "rounds": rounds,
            "budget_s": budget_s,
        }
    )
