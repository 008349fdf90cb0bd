"""What a worker hands to the conductor after a round: answers, times and marks, in one file.

One row a query that was asked, in the order of the batches; the queries of a batch share its
start, its latency and its failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Output, Timeline
from wattmark.protocol.batches import Batch


@dataclass(frozen=True)
class Answers:
    """``phase_ns`` and ``phase_units`` are (rows, phases); units are a row's share of its batch."""

    query: NDArray[np.int32]
    start_ns: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    phase_ns: NDArray[np.int64]
    phase_units: NDArray[np.float64]
    outputs: list[Output | None]


def write_answers(
    path: str | Path,
    block: Sequence[Batch],
    timeline: Timeline,
    phases: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """Write a round as ``.npz``."""
    size = len(block[0].numbers)
    phase_ns, units = phases
    if not len(phase_ns):  # a pipeline without phases keeps nothing
        phase_ns = units = np.zeros((len(block), 0), np.int64)
    outputs = {
        f"output-{i * size + row}": output[row : row + 1]
        for i, output in enumerate(timeline.outputs)
        if output is not None
        for row in range(size)
    }
    np.savez(
        path,
        allow_pickle=False,
        query=np.array([n for batch in block for n in batch.numbers], dtype=np.int32),
        start_ns=np.repeat(timeline.start_ns, size),
        latency_ns=np.repeat(timeline.latency_ns, size),
        phase_ns=np.repeat(phase_ns, size, axis=0),
        phase_units=np.repeat(units, size, axis=0) / size,
        **outputs,
    )


def read_answers(path: Path) -> Answers:
    """Read a round back; the output of a query that failed is None."""
    with np.load(path) as raw:
        query = raw["query"]
        outputs = [raw[name] if (name := f"output-{i}") in raw else None for i in range(len(query))]
        return Answers(
            query, raw["start_ns"], raw["latency_ns"], raw["phase_ns"], raw["phase_units"], outputs
        )
