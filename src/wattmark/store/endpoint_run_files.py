"""Loads that were put to servers: a folder each, with the document and the requests' times."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from wattmark.assets.whole_file import write_whole
from wattmark.errors import StoreError
from wattmark.records import EndpointRun, SampleFile
from wattmark.store.kept_runs import RunLine
from wattmark.store.run_folders import RunFolders

_SAMPLES = "requests.parquet"


def _line(run: EndpointRun) -> RunLine:
    status = run.result.stopped or "finished"
    return RunLine(run.id, run.created_at, status, run.plan.api, run.plan.model, run.plan.url)


ENDPOINT_RUNS = RunFolders("endpoints", EndpointRun, _line)


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
            pa.field("pieces", pa.int64()),
            pa.field("first_pieces", pa.int64()),
            pa.field("first_tokens", pa.int64()),
            pa.field("streamed_tokens", pa.int64()),
            pa.field("failure", pa.string()),
            pa.field("sentence", pa.string()),
            pa.field("token_times_ns", pa.list_(pa.int64())),
        ]
    )
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    path = ENDPOINT_RUNS.folder(run_id) / _SAMPLES
    try:
        write_whole(path, content)
    except OSError as error:
        raise StoreError(f"the requests of run {run_id} cannot be written: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    return SampleFile(path=_SAMPLES, sha256=digest, queries=len(rows))
