"""What earlier runs on this machine say of the spread between processes, by framework.

Runs of the same setups on the same model, with the same versions of all packages, are one series:
each of their executions is one more process of each setup, even where every run had but one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from wattmark.statistics import Costs, PastSpread, spreads_of


@dataclass(frozen=True)
class PastRound:
    """What a counted round of an earlier run took, in all."""

    trial: str
    execution: int
    index: int
    queries: int
    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class PastRun:
    """An earlier run: when it began (ISO 8601, UTC), which series it is of, and its rounds."""

    created_at: str
    series: str
    rounds: Sequence[PastRound]


def past_spreads(runs: Iterable[PastRun], now: str) -> dict[str, dict[str, list[PastSpread]]]:
    """By figure ("latency", "cpu_time") and framework; ages are counted to ``now``."""
    series: dict[str, list[PastRun]] = {}
    for run in runs:
        series.setdefault(run.series, []).append(run)
    found: dict[str, dict[str, list[PastSpread]]] = {"latency": {}, "cpu_time": {}}
    for of_series in series.values():
        age_days = _days(max(run.created_at for run in of_series), now)
        for figure, by_framework in found.items():
            for trial, seen in spreads_of(_costs(of_series, figure)).items():
                of_age = PastSpread(seen.between, seen.rounds, seen.degrees, age_days)
                by_framework.setdefault(trial.partition("/")[0], []).append(of_age)
    return found


def _costs(runs: Sequence[PastRun], figure: str) -> dict[str, Costs]:
    """Every setup's rounds, numbered through all runs; of latency the mean one of the round."""
    logs: dict[str, dict[int, float]] = {}
    executions: dict[str, dict[int, int]] = {}
    first_round = first_execution = 0
    for run in runs:
        for done in run.rounds:
            cost = done.wall_s if figure == "latency" else done.cpu_s
            if cost <= 0 or done.queries <= 0:
                continue
            place = first_round + done.index
            logs.setdefault(done.trial, {})[place] = math.log(cost / done.queries)
            executions.setdefault(done.trial, {})[place] = first_execution + done.execution
        first_round += 1 + max((done.index for done in run.rounds), default=0)
        first_execution += 1 + max((done.execution for done in run.rounds), default=0)
    return {trial: Costs(its, executions[trial]) for trial, its in logs.items()}


def _days(earlier: str, later: str) -> float:
    ends = [datetime.fromisoformat(when) for when in (earlier, later)]
    began, ended = (end if end.tzinfo else end.replace(tzinfo=UTC) for end in ends)
    return max(0.0, (ended - began).total_seconds() / 86400)
