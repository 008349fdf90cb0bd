"""How many stars change when the population does: a rule that is easily moved is easily gamed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import RatingError
from wattmark.rating.columns import Columns, rate_columns
from wattmark.rating.rules import installed_rules, needs_limits

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: An outlier needs so many times the energy of the worst of its group.
OUTLIER = 3.0
#: Draws behind a noise.
DRAWS = 100


@dataclass(frozen=True)
class Change:
    """Under a rule, the expected number of ``changed`` stars among ``rated`` results."""

    rule: str
    changed: float
    rated: int


def what_if(columns: Columns, change: str, seed: int = 0) -> tuple[Change, ...]:
    """What a change of every group does to the stars of the results that stay, rule by rule.

    ``change`` is ``remove-worst`` (the result of most energy leaves), ``add-outlier`` (one of
    three times the most energy joins) or ``noise=5%`` (every energy is multiplied by exp(N(0,
    0.05)), on average over 100 draws). Rules with fixed limits are left out: under them a result
    does not notice the others. Raises RatingError for another change.
    """
    points = replace(columns, low=None, high=None, level=1.0, comparable=None)
    rules = [rule.name for rule in installed_rules() if not needs_limits(rule.name)]
    return tuple(_under(points, change, rule, seed) for rule in rules)


def _under(points: Columns, change: str, rule: str, seed: int) -> Change:
    before = _stars(points, rule)
    rated = int((before > 0).sum())
    if change == "remove-worst":
        kept = _without_worst(points, before > 0)
        after = _stars(_rows(points, np.flatnonzero(kept)), rule)
        changed = float((after != before[kept]).sum())
    elif change == "add-outlier":
        after = _stars(_with_outliers(points, before > 0), rule)[: len(before)]
        changed = float((after != before).sum())
    elif change.startswith("noise="):
        changed = _by_noise(points, before, rule, _share(change), seed)
    else:
        raise RatingError(f"what-if: {change!r} is none of remove-worst, add-outlier, noise=5%")
    return Change(rule, changed, rated)


def _stars(points: Columns, rule: str) -> Ints:
    return rate_columns(points, rule, resamples=0, distances=False).stars


def _rows(points: Columns, at: Ints) -> Columns:
    return replace(
        points,
        value=points.value[at],
        group=points.group[at],
        gate=None if points.gate is None else points.gate[at],
        hardware=None if points.hardware is None else points.hardware[at],
        grade=None if points.grade is None else points.grade[at],
    )


def _worst(points: Columns, rated: Bools) -> list[int]:
    """The row of most energy of each group, among the rated."""
    worst: dict[object, int] = {}
    for i in np.flatnonzero(rated):
        group = points.group[i]
        if group not in worst or points.value[i] > points.value[worst[group]]:
            worst[group] = int(i)
    return list(worst.values())


def _without_worst(points: Columns, rated: Bools) -> Bools:
    kept = np.ones(len(points.value), dtype=bool)
    kept[_worst(points, rated)] = False
    return kept


def _with_outliers(points: Columns, rated: Bools) -> Columns:
    worst = _worst(points, rated)
    at = np.concatenate([np.arange(len(points.value)), np.array(worst, dtype=np.int64)])
    joined = _rows(points, at)
    joined.value[len(points.value) :] *= OUTLIER
    return joined


def _by_noise(
    points: Columns,
    before: Ints,
    rule: str,
    sigma: float,
    seed: int,
) -> float:
    rng = np.random.default_rng(seed)
    changed = 0
    for _ in range(DRAWS):
        noisy = points.value * np.exp(sigma * rng.standard_normal(len(points.value)))
        changed += int((_stars(replace(points, value=noisy), rule) != before).sum())
    return changed / DRAWS


def _share(change: str) -> float:
    text = change.removeprefix("noise=").strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise RatingError(f"what-if: {text!r} is not a noise such as 5%")
    return share
