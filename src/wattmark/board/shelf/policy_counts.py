"""What a rule for purchases would let through: so many stars at least, so much energy at most.

Figures have intervals, so that a model surely passes, surely fails, or may do either. Its best
rated setup decides. A model without a rated setup is counted apart, and never as one that passes:
nobody knows what it needs, or it missed its quality gate.

A star is surely there (or not) where P(star), which is shown beside it, is at least :data:`SURE`,
or where the interval that counts in its population is on one side of the border: the comparable
one where all of them share a scale, since what is unknown of the scale moves no star. Under fixed
limits, and for an amount of energy, it is the whole one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from wattmark.board.shelf import tables

_S, _R, _E = tables.standings, tables.results, tables.editions


#: A star of this probability is taken as sure: the level of the intervals.
SURE = 0.95


@dataclass(frozen=True)
class Best:
    """The least of what a model's rated setups in a population need, and its least bounds.

    In Wh a query; None where none of its setups there is rated. The comparable bounds are None
    where they have no scale. ``surely_has`` says that the star of one of its setups is enough and
    sure, ``surely_lacks`` that those of all are too few and sure.
    """

    task: str
    model: str
    population: str
    energy_wh: float | None
    low_wh: float | None
    high_wh: float | None
    comparable_low_wh: float | None = None
    comparable_high_wh: float | None = None
    surely_has: bool = False
    surely_lacks: bool = False


class Border(NamedTuple):
    """In a population, the most energy that has the stars, and the least that has not, in Wh.

    ``one_scale`` says that all of its rated results share a scale, and that no limit is fixed.
    """

    most_passing: float
    least_failing: float
    one_scale: bool = False


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
        for column in (
            _R.c.energy_wh,
            _R.c.energy_wh_low,
            _R.c.energy_wh_high,
            _R.c.energy_wh_comparable_low,
            _R.c.energy_wh_comparable_high,
        )
    )
    key = (_S.c.task, _S.c.model, _S.c.population)
    has = _S.c.stars >= (min_stars or 0)
    sure = rated & (_S.c.probability >= SURE)
    unsure = func.coalesce(_S.c.probability, 0.0) < SURE
    surely_has = func.sum(case((sure & has, 1), else_=0)) > 0
    surely_lacks = func.sum(case((rated & (unsure | has), 1), else_=0)) == 0
    query = select(*key, *least, surely_has, surely_lacks).join(_R, _R.c.id == _S.c.result_id)
    rows: list[Any] = list(connection.execute(query.where(*where).group_by(*key)))
    best = [Best(*row) for row in rows]
    borders = None if min_stars is None else _borders(connection, edition, where, min_stars)
    return judged(best, borders, max_energy_wh)


def judged(
    best: Iterable[Best], borders: Mapping[str, Border] | None, max_energy_wh: float | None
) -> list[Outcome]:
    """As :func:`outcomes`, for what was found in one edition; tasks by name.

    A star depends on the others of its population, which count with their values at the border: a
    setup surely has the stars where its interval is at or below an energy that has them.
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
            verdict = min(verdict, _having(found, low, high, borders[found.population]))
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
    connection: Connection, edition: str, where: list[ColumnElement[bool]], min_stars: int
) -> dict[str, Border]:
    limits = connection.scalar(select(_E.c.limits).where(_E.c.name == edition))
    scale = case((_S.c.stars.is_not(None), _R.c.energy_wh_scale))
    scales = func.count(scale.distinct()), func.min(scale)
    passing = func.max(case((_S.c.stars >= min_stars, _R.c.energy_wh)))
    failing = func.min(case((_S.c.stars < min_stars, _R.c.energy_wh)))
    query = select(_S.c.population, passing, failing, *scales)
    query = query.join(_R, _R.c.id == _S.c.result_id)
    rows = connection.execute(query.where(*where).group_by(_S.c.population))
    return {
        population: Border(
            -inf if most is None else most,
            inf if least is None else least,
            one_scale=limits is None and count == 1 and bool(name),
        )
        for population, most, least, count, name in rows
    }


def _having(found: Best, low: float, high: float, border: Border) -> Verdict:
    own_low, own_high = found.comparable_low_wh, found.comparable_high_wh
    if border.one_scale and own_low is not None and own_high is not None:
        low, high = own_low, own_high
    if found.surely_has or found.surely_lacks:
        return Verdict.PASSES if found.surely_has else Verdict.FAILS
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
