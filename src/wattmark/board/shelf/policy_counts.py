"""What a rule for purchases would let through: so many stars at least, so much energy at most.

Figures have intervals, so that a model surely passes, surely fails, or may do either. Its best
rated setup decides. A model without a rated setup is counted apart, and never as one that passes:
nobody knows what it needs, or it missed its quality gate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from wattmark.board.shelf import tables

_S, _R = tables.standings, tables.results


@dataclass(frozen=True)
class Best:
    """The least of what a model's rated setups in a population need, and its least bounds.

    In Wh a query; None where none of its setups there is rated.
    """

    task: str
    model: str
    population: str
    energy_wh: float | None
    low_wh: float | None
    high_wh: float | None


class Border(NamedTuple):
    """In a population, the most energy that has the stars, and the least that has not, in Wh."""

    most_passing: float
    least_failing: float


@dataclass(frozen=True)
class Outcome:
    """What becomes of the models of a task.

    Each is one of ``passing`` (surely), ``failing`` (surely), ``uncertain`` and ``unrated``. The
    energies, in Wh, are of one query to each rated model, in its rated setup of least energy.
    """

    task: str
    passing: int
    uncertain: int
    failing: int
    unrated: int
    energy_passing_wh: float
    energy_uncertain_wh: float
    energy_failing_wh: float

    @property
    def rated(self) -> int:
        """How many models have a rated setup."""
        return self.passing + self.uncertain + self.failing

    @property
    def models(self) -> int:
        """How many models there are."""
        return self.rated + self.unrated

    @property
    def energy_wh(self) -> float:
        """Of one query to each rated model, in Wh."""
        return self.energy_passing_wh + self.energy_uncertain_wh + self.energy_failing_wh

    @property
    def share_of_models(self) -> tuple[float, float] | None:
        """Which share of the rated models passes: at least and at most; None without any."""
        return _share(self.passing, self.uncertain, self.rated)

    @property
    def share_of_energy(self) -> tuple[float, float] | None:
        """Which share of the rated models' energy passes: at least and at most."""
        return _share(self.energy_passing_wh, self.energy_uncertain_wh, self.energy_wh)


class Verdict(IntEnum):
    """Of a setup, and of a model by its best setup; the better the greater."""

    FAILS = 0
    UNCERTAIN = 1
    PASSES = 2


def outcomes(
    connection: Connection,
    edition: str,
    *,
    task: str | None,
    min_stars: int | None,
    max_energy_wh: float | None,
) -> list[Outcome]:
    """What becomes of the models of an edition, task by task; energies in Wh a query.

    Where both limits are given, both count; without any, every rated model passes.
    """
    where = [_S.c.edition == edition]
    if task is not None:
        where.append(_S.c.task == task)
    rated = _S.c.stars.is_not(None)
    least = (
        func.min(case((rated, column)))
        for column in (_R.c.energy_wh, _R.c.energy_wh_low, _R.c.energy_wh_high)
    )
    key = (_S.c.task, _S.c.model, _S.c.population)
    query = select(*key, *least).join(_R, _R.c.id == _S.c.result_id).where(*where)
    best = [Best(*row) for row in connection.execute(query.group_by(*key))]
    borders = None if min_stars is None else _borders(connection, where, min_stars)
    return judged(best, borders, max_energy_wh)


def judged(
    best: Iterable[Best], borders: Mapping[str, Border] | None, max_energy_wh: float | None
) -> list[Outcome]:
    """As :func:`outcomes`, for what was found in one edition; tasks by name.

    A star depends on the others of its population, which count with their values here: a setup
    surely has the stars where its whole interval is at or below an energy that has them.
    ``borders`` is None where any star will do.
    """
    verdicts: dict[tuple[str, str], Verdict] = {}
    energies: dict[tuple[str, str], float] = {}
    models: dict[str, set[str]] = defaultdict(set)
    for found in best:
        models[found.task].add(found.model)
        energy, low, high = found.energy_wh, found.low_wh, found.high_wh
        if energy is None or low is None or high is None:
            continue
        verdict = Verdict.PASSES
        if borders is not None:
            verdict = min(verdict, _having(low, high, borders[found.population]))
        if max_energy_wh is not None:
            verdict = min(verdict, _within(low, high, max_energy_wh))
        key = found.task, found.model
        verdicts[key] = max(verdict, verdicts.get(key, Verdict.FAILS))
        energies[key] = min(energy, energies.get(key, inf))
    return [_outcome(task, models[task], verdicts, energies) for task in sorted(models)]


def _outcome(
    task: str,
    models: set[str],
    verdicts: Mapping[tuple[str, str], Verdict],
    energies: Mapping[tuple[str, str], float],
) -> Outcome:
    count = dict.fromkeys(Verdict, 0)
    energy_wh = dict.fromkeys(Verdict, 0.0)
    for model in sorted(models):
        verdict = verdicts.get((task, model))
        if verdict is not None:
            count[verdict] += 1
            energy_wh[verdict] += energies[task, model]
    return Outcome(
        task=task,
        passing=count[Verdict.PASSES],
        uncertain=count[Verdict.UNCERTAIN],
        failing=count[Verdict.FAILS],
        unrated=len(models) - sum(count.values()),
        energy_passing_wh=energy_wh[Verdict.PASSES],
        energy_uncertain_wh=energy_wh[Verdict.UNCERTAIN],
        energy_failing_wh=energy_wh[Verdict.FAILS],
    )


def _borders(
    connection: Connection, where: list[ColumnElement[bool]], min_stars: int
) -> dict[str, Border]:
    passing = func.max(case((_S.c.stars >= min_stars, _R.c.energy_wh)))
    failing = func.min(case((_S.c.stars < min_stars, _R.c.energy_wh)))
    query = select(_S.c.population, passing, failing).join(_R, _R.c.id == _S.c.result_id)
    rows = connection.execute(query.where(*where).group_by(_S.c.population))
    return {
        population: Border(-inf if most is None else most, inf if least is None else least)
        for population, most, least in rows
    }


def _having(low: float, high: float, border: Border) -> Verdict:
    if high <= border.most_passing or border.least_failing == inf:
        return Verdict.PASSES
    fails = low >= border.least_failing or border.most_passing == -inf
    return Verdict.FAILS if fails else Verdict.UNCERTAIN


def _within(low: float, high: float, most: float) -> Verdict:
    if high <= most:
        return Verdict.PASSES
    return Verdict.FAILS if low > most else Verdict.UNCERTAIN


def _share(sure: float, uncertain: float, of: float) -> tuple[float, float] | None:
    return None if not of else (sure / of, (sure + uncertain) / of)
