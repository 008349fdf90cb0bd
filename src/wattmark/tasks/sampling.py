"""A seeded sample drawn equally from several data sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def drawn_equally(sources: Sequence[Sequence[T]], samples: int, seed: int) -> list[T]:
    """At most ``samples`` items, as many from each source until one has no more, then shuffled.

    Every item comes at most once. A smaller sample with the same seed is part of a larger one.
    """
    rng = np.random.default_rng(seed)
    shuffled = [[source[i] for i in rng.permutation(len(source))] for source in sources]
    turns = range(max(map(len, shuffled), default=0))
    drawn = [source[n] for n in turns for source in shuffled if n < len(source)][:samples]
    return [drawn[i] for i in rng.permutation(len(drawn))]
