"""Who is rated against whom.

A star is relative: it says where a result stands in a *population*, the results of the same task,
class and hardware (``group``) whose energy was obtained in the same way (grade).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wattmark.quantities import Grade, Quantity
from wattmark.rating.confidence import RESAMPLES, boundary_distance_pct, star_probabilities
from wattmark.rating.rules import Rule, find_rule
from wattmark.rating.unrated import Unrated
from wattmark.records import Rating

#: Fewer rated entries than stars cannot fill them.
MIN_POPULATION = 5


@dataclass(frozen=True)
class Entry:
    """One result that asks for a star.

    ``energy`` is relative to a baseline that the whole group shares, so that the uncertainty that
    is common to all (the scale of a power model) is not in its interval. ``gate_passed`` is None
    where quality was not judged; only a gate that was failed keeps an entry from being rated.
    """

    trial: str
    energy: Quantity
    gate_passed: bool | None
    grade: Grade | None
    group: str = ""


def rate(
    entries: Sequence[Entry], rule: str = "quintile", seed: int = 0, resamples: int = RESAMPLES
) -> tuple[Rating, ...]:
    """Rate every entry within its population.

    Parameters
    ----------
    entries : sequence of Entry
        Any number of groups.
    rule : str
        Name of a rule of :data:`wattmark.rating.RULES`.
    seed, resamples : int
        Of the resampling behind P(star). The result does not depend on the order of the entries.

    Returns
    -------
    tuple of Rating
        In the order of ``entries``. ``stars`` is None for an entry that is not rated, which does
        not count in the population either; ``unrated_reason`` is then the first that applies of
        :class:`~wattmark.rating.unrated.Unrated`. The grade of a population is the one that most
        of it have, and the more trusted one of two that are equally frequent.

    Raises
    ------
    UnknownNameError
        Where there is no such rule.
    """
    chosen = find_rule(rule)
    rated: dict[int, Rating] = {}
    for group in {e.group for e in entries}:
        members = {i: e for i, e in enumerate(entries) if e.group == group}
        rated |= _rate_group(members, chosen, seed, resamples)
    return tuple(rated[i] for i in range(len(entries)))


def _rate_group(
    members: dict[int, Entry], rule: Rule, seed: int, resamples: int
) -> dict[int, Rating]:
    unrated: dict[int, Unrated] = {}

    def drop(reason: Unrated, applies: Callable[[Entry], bool]) -> None:
        for i, entry in members.items():
            if applies(entry):
                unrated.setdefault(i, reason)

    def left() -> list[int]:
        return [i for i in members if i not in unrated]

    drop(Unrated.NO_ENERGY, lambda e: not e.energy.known)
    drop(Unrated.NO_USABLE_INTERVAL, lambda e: e.energy.known and not _usable(e.energy))
    drop(Unrated.QUALITY_GATE, lambda e: e.gate_passed is False)
    grade = _common_grade([members[i].grade for i in left()])
    drop(Unrated.GRADE_DIFFERS, lambda e: e.grade != grade)
    if len(left()) < MIN_POPULATION:
        drop(Unrated.POPULATION_TOO_SMALL, lambda e: True)

    result = {
        i: Rating(
            trial=members[i].trial,
            rule=rule.name,
            rule_version=rule.version,
            stars=None,
            unrated_reason=reason.value,
        )
        for i, reason in unrated.items()
    }
    population = left()
    if not population:
        return result
    energies = [members[i].energy for i in population]
    values = np.array([energy.bounds()[1] for energy in energies])
    stars = rule.stars(values)
    probabilities = star_probabilities(energies, rule, seed=seed, resamples=resamples)
    distances = boundary_distance_pct(values, rule)
    for at, i in enumerate(population):
        result[i] = Rating(
            trial=members[i].trial,
            rule=rule.name,
            rule_version=rule.version,
            stars=int(stars[at]),
            probabilities=probabilities[at],
            boundary_distance_pct=float(distances[at]),
        )
    return result


def _usable(energy: Quantity) -> bool:
    return energy.bounds()[0] > 0 and bool(energy.level)


def _common_grade(grades: Sequence[Grade | None]) -> Grade | None:
    """The most frequent grade; of two that are equally frequent, the more trusted one."""
    counts = Counter(g for g in grades if g is not None)
    if not counts:
        return None
    most = max(counts.values())
    return next(grade for grade in Grade if counts[grade] == most)
