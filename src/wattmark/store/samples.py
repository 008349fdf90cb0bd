"""Raw per-query samples of one round, as Parquet.

A file appears whole or not at all: it is written beside its place, flushed to the disk and then
renamed. Its sha256 goes into the round's record and is checked whenever the file is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.assets.whole_file import write_whole
from wattmark.errors import StoreError
from wattmark.records import SampleFile

#: Column -> Arrow type; the only nullable one is ``error``. A failed query's score may be NaN.
COLUMNS = {
    "query": "int32",
    "start_ns": "int64",
    "latency_ns": "int64",
    "prediction": "string",
    "score": "float64",
    "error": "string",
}

#: Columns of lists, one entry a phase, where the queries have phases.
PHASE_COLUMNS = {"phase_ns": "int64", "phase_units": "double"}

#: Which call of its round a query was in, and how long that took; absent in older files.
BATCH_COLUMNS = {"batch": "int32", "batch_ns": "int64"}

Column = Sequence[Any] | NDArray[Any]


def sample_path(trial: str, execution: int, index: int, attempt: int) -> str:
    """Where the samples of a round lie, relative to the run's folder."""
    return f"samples/{trial.replace('/', '-')}/{execution}-{index}-{attempt}.parquet"


def write_samples(
    folder: Path,
    trial: str,
    execution: int,
    index: int,
    attempt: int,
    columns: Mapping[str, Column],
) -> SampleFile:
    """Write the samples of one round; they are on the disk when this returns.

    ``columns`` holds the six columns of `COLUMNS`, each of length n (the round's queries):
    number of the query in the data set, start and latency in ns on the monotonic clock, what
    the model said, its score, and the error of a query that failed (else None); and, of shape
    (n, phases), the two of `PHASE_COLUMNS`, or neither; and the two of `BATCH_COLUMNS`, or neither.
    Raises StoreError where a column is missing, too many, of another length or type, or where
    the disk refuses.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = f"samples of {trial}, execution {execution}, round {index}"
    phases = PHASE_COLUMNS if "phase_ns" in columns else {}
    flat = COLUMNS | (BATCH_COLUMNS if "batch" in columns else {})
    if set(columns) != {*flat, *phases}:
        raise StoreError(f"{where}: columns {sorted(columns)} are not {sorted(COLUMNS)}")
    schema = pa.schema(
        [pa.field(n, pa.type_for_alias(t), nullable=n == "error") for n, t in flat.items()]
        + [pa.field(n, pa.list_(pa.type_for_alias(t)), nullable=False) for n, t in phases.items()]
    )
    try:
        data = {name: columns[name] for name in flat}
        data |= {name: np.asarray(columns[name]).tolist() for name in phases}
        table = pa.table(data, schema=schema)
        for name in (*flat, *phases):
            if name != "error" and table[name].null_count:
                raise StoreError(f"{where}: column {name!r} has gaps")
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise StoreError(f"{where}: {error}") from error
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    path = sample_path(trial, execution, index, attempt)
    try:
        write_whole(folder / path, content)
    except OSError as error:
        raise StoreError(f"{where} cannot be written: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    return SampleFile(path=path, sha256=digest, queries=table.num_rows)


def read_samples(folder: Path, file: SampleFile) -> dict[str, Any]:
    """The columns: arrays of shape (n,), lists for the two of text, (n, phases) for phases.

    What an older file lacks is empty.

    Raises StoreError where the file is missing, outside the folder, or not the one recorded.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    relative = PurePosixPath(file.path)
    if relative.is_absolute() or ".." in relative.parts:
        raise StoreError(f"sample file {file.path!r} lies outside its run's folder")
    path = folder / relative
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"sample file {path} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise StoreError(
            f"sample file {path} is not the one that was recorded: "
            f"sha256 {digest[:12]} instead of {file.sha256[:12]}; it was changed after the run"
        )
    try:
        table = pq.read_table(pa.BufferReader(content))
        found: dict[str, Any] = {
            name: table[name].to_pylist()
            if kind == "string"
            else np.asarray(table[name].to_numpy())
            for name, kind in COLUMNS.items()
        }
        for name in PHASE_COLUMNS:
            lists = table[name].to_pylist() if name in table.column_names else []
            found[name] = np.array(lists) if lists else np.zeros((0, 0))
        for name, kind in BATCH_COLUMNS.items():
            there = name in table.column_names
            found[name] = np.asarray(table[name].to_numpy()) if there else np.zeros(0, kind)
        return found
    except (pa.ArrowException, KeyError) as error:
        raise StoreError(f"sample file {path} is not readable as samples: {error}") from error
