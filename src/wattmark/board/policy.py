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

from sqlalchemy import Connection, select

from wattmark.board import tables

_S, _R = tables.standings, tables.results


@dataclass(frozen=True)
class Setup:
    """A result that is judged; energies in Wh a query, all None or not. Unrated: no ``stars``."""

    task: str
    model: str
    population: str
    stars: int | None
    energy_wh: float | None
    low_wh: float | None
    high_wh: float | None


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
    columns = (
        _S.c.task,
        _S.c.model,
        _S.c.population,
        _S.c.stars,
        _R.c.energy_wh,
        _R.c.energy_wh_low,
        _R.c.energy_wh_high,
    )
    query = select(*columns).join(_R, _R.c.id == _S.c.result_id).where(_S.c.edition == edition)
    if task is not None:
        query = query.where(_S.c.task == task)
    setups = [Setup(*row) for row in connection.execute(query)]
    return judged(setups, min_stars=min_stars, max_energy_wh=max_energy_wh)


def judged(
    setups: Iterable[Setup], *, min_stars: int | None, max_energy_wh: float | None
) -> list[Outcome]:
    """As :func:`outcomes`, for these results of one edition; tasks by name.

    A star depends on the others of its population, which count with their values here: a setup
    surely has the stars where its whole interval is at or below an energy that has them.
    """
    known = list(setups)
    borders = _borders(known, min_stars)
    verdicts: dict[tuple[str, str], Verdict] = {}
    energies: dict[tuple[str, str], float] = {}
    models: dict[str, set[str]] = defaultdict(set)
    for setup in known:
        key = setup.task, setup.model
        models[setup.task].add(setup.model)
        energy, low, high = setup.energy_wh, setup.low_wh, setup.high_wh
        if setup.stars is None or energy is None or low is None or high is None:
            continue
        found = Verdict.PASSES
        if min_stars is not None:
            found = min(found, _between(low, high, *borders[setup.population]))
        if max_energy_wh is not None:
            found = min(found, _within(low, high, max_energy_wh))
        verdicts[key] = max(found, verdicts.get(key, Verdict.FAILS))
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


def _borders(setups: Iterable[Setup], min_stars: int | None) -> dict[str, tuple[float, float]]:
    """By population, the most energy that has the stars and the least that has not, in Wh."""
    borders: dict[str, tuple[float, float]] = defaultdict(lambda: (-inf, inf))
    for setup in setups:
        if setup.stars is None or setup.energy_wh is None or min_stars is None:
            continue
        most, least = borders[setup.population]
        if setup.stars >= min_stars:
            borders[setup.population] = max(most, setup.energy_wh), least
        else:
            borders[setup.population] = most, min(least, setup.energy_wh)
    return borders


def _between(low: float, high: float, most_passing: float, least_failing: float) -> Verdict:
    if high <= most_passing or least_failing == inf:
        return Verdict.PASSES
    return Verdict.FAILS if low >= least_failing or most_passing == -inf else Verdict.UNCERTAIN


def _within(low: float, high: float, most: float) -> Verdict:
    if high <= most:
        return Verdict.PASSES
    return Verdict.FAILS if low > most else Verdict.UNCERTAIN


def _share(sure: float, uncertain: float, of: float) -> tuple[float, float] | None:
    return None if not of else (sure / of, (sure + uncertain) / of)
