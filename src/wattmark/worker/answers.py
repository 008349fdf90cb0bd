"""What a worker hands to the conductor after a round: answers, times and marks, in one file.

One row a query that was asked, in the order of the batches (what our own loop fills a batch up with
is asked again, what LoadGen did not ask for is padding); the queries of a batch share its
failure and, unless they arrived at different times, its start and its latency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Output, Timeline
from wattmark.worker.batches import Batch


@dataclass(frozen=True)
class Answers:
    """``phase_ns`` and ``phase_units`` are (rows, phases); units are a row's share of its batch.

    ``batch`` says which call a row was in, and ``batch_ns`` how long that took.
    """

    query: NDArray[np.int32]
    start_ns: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    phase_ns: NDArray[np.int64]
    phase_units: NDArray[np.float64]
    batch: NDArray[np.int32]
    batch_ns: NDArray[np.int64]
    outputs: list[Output | None]


def write_answers(
    path: str | Path,
    block: Sequence[Batch],
    timeline: Timeline,
    phases: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> list[list[int]]:
    """Write a round as ``.npz``; gives the rows of each batch. Padding is left out."""
    sizes = np.array([len(batch.numbers) for batch in block])
    kept = np.ones(sizes.sum(), bool) if timeline.padding is None else ~timeline.padding
    places = np.split(np.arange(kept.size), np.cumsum(sizes)[:-1])
    row_of = np.cumsum(kept) - 1
    rows = [[int(row_of[place]) for place in own if kept[place]] for own in places]
    phase_ns, units = phases
    if not len(phase_ns):  # a pipeline without phases keeps nothing
        phase_ns = units = np.zeros((len(block), 0), np.int64)
    outputs = {
        f"output-{row_of[place]}": output[at : at + 1]
        for own, output in zip(places, timeline.outputs, strict=True)
        if output is not None
        for at, place in enumerate(own)
        if kept[place]
    }
    call_ns = timeline.latency_ns if timeline.call_ns is None else timeline.call_ns
    each = sizes if len(timeline.start_ns) == len(block) else 1  # times are a batch's or a query's
    np.savez(
        path,
        allow_pickle=False,
        query=np.array([n for batch in block for n in batch.numbers], dtype=np.int32)[kept],
        start_ns=np.repeat(timeline.start_ns, each)[kept],
        latency_ns=np.repeat(timeline.latency_ns, each)[kept],
        phase_ns=np.repeat(phase_ns, sizes, axis=0)[kept],
        phase_units=np.repeat(units / sizes[:, None], sizes, axis=0)[kept],
        batch=np.repeat(np.arange(len(block), dtype=np.int32), sizes)[kept],
        batch_ns=np.repeat(call_ns, sizes)[kept],
        **outputs,
    )
    return rows


def read_answers(path: Path) -> Answers:
    """Read a round back; the output of a query that failed is None."""
    with np.load(path) as raw:
        query = raw["query"]
        outputs = [raw[name] if (name := f"output-{i}") in raw else None for i in range(len(query))]
        return Answers(
            query=query,
            start_ns=raw["start_ns"],
            latency_ns=raw["latency_ns"],
            phase_ns=raw["phase_ns"],
            phase_units=raw["phase_units"],
            batch=raw["batch"],
            batch_ns=raw["batch_ns"],
            outputs=outputs,
        )
