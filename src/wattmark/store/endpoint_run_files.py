"""Loads that were put to servers: a folder each, with the run's document and its requests' times.

They are no rows of the database: a load is measured in one go, so there is nothing to resume.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wattmark.assets.data_folder import data_folder
from wattmark.assets.whole_file import write_whole
from wattmark.errors import StoreError
from wattmark.records import READABLE_VERSIONS, EndpointRun, SampleFile

_DOCUMENT = "run.json"
_SAMPLES = "requests.parquet"


def folder() -> Path:
    """Where they lie."""
    return data_folder() / "endpoints"


def write_requests(run_id: str, rows: Sequence[dict[str, Any]]) -> SampleFile:
    """Write the times of a run's requests, all in ns from the start. Raises StoreError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    times = ("scheduled", "issued", "sent", "first_token", "last_token", "end")
    schema = pa.schema(
        [
            pa.field("index", pa.int64()),
            *(pa.field(f"{name}_ns", pa.int64()) for name in times),
            pa.field("status", pa.int32()),
            pa.field("tokens_in", pa.int64()),
            pa.field("tokens_out", pa.int64()),
            pa.field("failure", pa.string()),
            pa.field("sentence", pa.string()),
            pa.field("token_times_ns", pa.list_(pa.int64())),
        ]
    )
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    path = folder() / run_id / _SAMPLES
    try:
        write_whole(path, content)
    except OSError as error:
        raise StoreError(f"the requests of run {run_id} cannot be written: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    return SampleFile(path=_SAMPLES, sha256=digest, queries=len(rows))


def save(run: EndpointRun) -> None:
    """Write a run's document, once. Raises StoreError."""
    path = folder() / run.id / _DOCUMENT
    if path.exists():
        raise StoreError(f"run {run.id} is recorded already, and results never change")
    try:
        write_whole(path, run.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise StoreError(f"run {run.id} cannot be written: {error}") from error


def ids() -> list[str]:
    """The ids of all runs, newest first."""
    return sorted((path.parent.name for path in folder().glob(f"*/{_DOCUMENT}")), reverse=True)


def load(run_id: str) -> EndpointRun:
    """The run of that id. Raises StoreError where it cannot be read."""
    path = folder() / run_id / _DOCUMENT
    try:
        run = EndpointRun.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise StoreError(f"run {run_id} cannot be read from {path}: {error}") from error
    if run.schema_version not in READABLE_VERSIONS:
        raise StoreError(f"run {run_id} has schema version {run.schema_version}: update Wattmark")
    return run
