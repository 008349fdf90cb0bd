"""Queries answered together: those of one shape, side by side on the first axis.

An incomplete batch is filled up with queries of its own, asked again: a program of fixed shape
does the work of a whole batch in any case, and a query that is asked is counted, every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wattmark.contracts import Inputs
from wattmark.worker.inputs import Shape, shape_of


@dataclass(frozen=True)
class Batch:
    """Numbers of the queries in it, in the order of the rows of ``inputs``."""

    numbers: tuple[int, ...]
    inputs: Inputs


def batches(queries: Sequence[Inputs], numbers: Iterable[int], size: int) -> list[Batch]:
    """Cut these queries into batches of ``size``; every one is in at least one of them.

    Of size 1 they keep their order; else they are grouped by shape in order of appearance.
    """
    if size == 1:
        return [Batch((n,), queries[n]) for n in numbers]
    groups: dict[Shape, list[int]] = {}
    for number in numbers:
        groups.setdefault(shape_of(queries[number]), []).append(number)
    cut = []
    for group in groups.values():
        missing = -len(group) % size
        filled = group + [group[i % len(group)] for i in range(missing)]
        cut += [joined(queries, filled[i : i + size]) for i in range(0, len(filled), size)]
    return cut


def joined(queries: Sequence[Inputs], numbers: Sequence[int]) -> Batch:
    """One batch of these queries, which have one shape."""
    rows = [queries[n] for n in numbers]
    inputs = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    return Batch(tuple(numbers), inputs)
