"""Whether the reference answers better than chance, by a permutation test.

Its answers are given to other queries at random, and the metric is taken again: an answer that does
not depend on the query, such as the class that most queries have, is as good for any other. No
constant for a task is needed, and the level is exact whatever the metric (Good, *Permutation,
Parametric and Bootstrap Tests of Hypotheses*, Springer 2005, chapter 3; p counts the sample itself:
Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wattmark.contracts import Task

PERMUTATIONS = 399
#: one-sided: what is no better than chance passes for better in so many runs
LEVEL = 0.025
#: fewer answers than this can be exchanged in too few ways to say anything
MIN_QUERIES = 6
#: of metrics whose single scores are costly, so many queries are enough
MOST_GRADED = 100


def better_than_chance(
    task: Task, predictions: Sequence[str], labels: Sequence[Any], *, cheap: bool, seed: int = 0
) -> bool:
    """Whether the metric is better than that of the same answers, given to other queries.

    ``cheap`` says that every query may be used. True where there are too few queries to know.
    """
    count = len(labels) if cheap else min(len(labels), MOST_GRADED)
    if count < MIN_QUERIES:
        return True
    said, right = list(predictions[:count]), list(labels[:count])
    sign = 1.0 if task.higher_is_better else -1.0
    rng = np.random.default_rng(seed)
    found = sign * task.quality(said, right)
    if not np.isfinite(found):
        return False
    drawn = [
        sign * task.quality([said[i] for i in rng.permutation(count)], right)
        for _ in range(PERMUTATIONS)
    ]
    as_good = sum(not value < found - 1e-12 for value in drawn)
    return (1 + as_good) / (1 + PERMUTATIONS) <= LEVEL
