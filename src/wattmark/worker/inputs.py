"""Encoded queries on disk, so that every worker is fed the very same arrays.

Queries of one shape are stacked in one ``.npy`` file per input; ``index.json`` says where each
query lies. Encoding happens once, before anything is timed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wattmark.contracts import Inputs

Shape = tuple[tuple[str, tuple[int, ...]], ...]


def shape_of(query: Inputs) -> Shape:
    """Names and shapes of a query's arrays: queries of one shape do the same work."""
    return tuple((name, tuple(array.shape)) for name, array in sorted(query.items()))


def query_digest(query: Inputs) -> str:
    """Identity of a query: sha256 over its arrays with their names, types and shapes."""
    digest = hashlib.sha256()
    for name, array in sorted(query.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save_inputs(queries: Sequence[Inputs], folder: Path) -> str:
    """Write the queries into ``folder``; returns the sha256 of all arrays in order."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    groups: dict[Shape, list[int]] = {}
    for number, query in enumerate(queries):
        groups.setdefault(shape_of(query), []).append(number)
        for name, array in sorted(query.items()):
            digest.update(f"{name}{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    index = []
    for group, (shape, members) in enumerate(groups.items()):
        for name, _ in shape:
            np.save(folder / f"{group}-{name}.npy", np.stack([queries[m][name] for m in members]))
        index.append({"names": [name for name, _ in shape], "queries": members})
    (folder / "index.json").write_text(json.dumps(index))
    return digest.hexdigest()


def load_inputs(folder: Path) -> list[Inputs]:
    """Read all queries back, in their order."""
    index = json.loads((folder / "index.json").read_text())
    queries: dict[int, Inputs] = {}
    for group, entry in enumerate(index):
        arrays = {name: np.load(folder / f"{group}-{name}.npy") for name in entry["names"]}
        for row, number in enumerate(entry["queries"]):
            queries[number] = {name: array[row] for name, array in arrays.items()}
    return [queries[number] for number in range(len(queries))]


def representatives(queries: Sequence[Inputs]) -> list[int]:
    """The first query of each shape: one cycle of warm-up visits them all."""
    seen: dict[Shape, int] = {}
    for number, query in enumerate(queries):
        seen.setdefault(shape_of(query), number)
    return sorted(seen.values())


def spread(queries: Sequence[Inputs], count: int) -> list[int]:
    """About ``count`` query numbers, evenly spaced and covering every shape."""
    step = max(1, len(queries) // count)
    chosen = {*range(0, len(queries), step)}
    return sorted({*sorted(chosen)[:count], *representatives(queries)})
