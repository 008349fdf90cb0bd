"""Raw samples come back as they were, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import StoreError
from wattmark.records import SampleFile
from wattmark.store.samples import COLUMNS, read_samples, write_samples
from wattmark.store.store import Store

TRIAL = "pytorch/eager/fp32"


def columns(queries: int = 3, **changes: Any) -> dict[str, Any]:
    return {
        "query": np.arange(queries),
        "start_ns": np.arange(queries, dtype=np.int64) + 2**60,
        "latency_ns": np.full(queries, 1_500_000),
        "prediction": ["positive"] * queries,
        "score": np.ones(queries),
        "error": [None] * queries,
    } | changes


def write(folder: Path, **changes: Any) -> SampleFile:
    return write_samples(folder, TRIAL, 0, 1, 2, columns(**changes))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2**31 - 1),
            st.integers(0, 2**63 - 1),
            st.integers(0, 2**63 - 1),
            st.text(st.characters(codec="utf-8")),
            st.floats(),
            st.none() | st.text(st.characters(codec="utf-8")),
        )
    )
)
def test_what_is_written_is_read_back(
    rows: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    transposed = [list(c) for c in zip(*rows, strict=True)] or [[]] * len(COLUMNS)
    given_columns = dict(zip(COLUMNS, transposed, strict=True))
    file = write_samples(folder, TRIAL, 0, 0, 0, given_columns)
    back = read_samples(folder, file)
    assert file.queries == len(rows)
    for name in ("query", "start_ns", "latency_ns", "score"):
        np.testing.assert_array_equal(back[name], given_columns[name])
    assert back["prediction"] == given_columns["prediction"]
    assert back["error"] == given_columns["error"]


def test_the_file_has_the_promised_place_types_and_compression(tmp_path: Path) -> None:
    file = write(tmp_path)
    assert file.path == "samples/pytorch-eager-fp32/0-1-2.parquet"
    parquet = pq.ParquetFile(tmp_path / file.path)
    types = {field.name: str(field.type) for field in parquet.schema_arrow}
    assert types == {n: t.replace("float64", "double") for n, t in COLUMNS.items()}
    assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    file = write(tmp_path)
    write(tmp_path)
    assert [p.name for p in (tmp_path / file.path).parent.iterdir()] == ["0-1-2.parquet"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": np.arange(4)}, "length"),
        ({"extra": [1, 2, 3]}, "extra"),
        ({"score": ["good"] * 3}, "good"),
        ({"prediction": ["a", None, "b"]}, "'prediction' has gaps"),
        ({"query": [0, 1, 2**31]}, "2147483648"),
        ({"prediction": ["a", "b", "\ud800"]}, "surrogates"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        write(tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path)
    path = tmp_path / file.path
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(StoreError, match="not the one that was recorded"):
        read_samples(tmp_path, file)
    path.unlink()
    with pytest.raises(StoreError, match="No such file"):
        read_samples(tmp_path, file)


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/0-0-0.parquet"])
def test_a_path_outside_the_runs_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(StoreError, match="lies outside"):
        read_samples(tmp_path, SampleFile(path=path, sha256="0" * 64, queries=1))


def test_samples_of_a_recorded_round_cannot_be_replaced(
    store: Store, begin: Any, make_round: Any
) -> None:
    run_id = begin()
    first = store.write_samples(run_id, TRIAL, 0, 0, 0, columns())
    second = store.write_samples(run_id, TRIAL, 0, 0, 0, columns(4))
    store.add_round(run_id, make_round(samples=second))
    with pytest.raises(StoreError, match="its samples cannot be replaced"):
        store.write_samples(run_id, TRIAL, 0, 0, 0, columns())
    assert first.sha256 != second.sha256
    assert len(store.read_samples(run_id, second)["query"]) == 4


def test_calls_of_a_round_are_kept_where_they_are_known(tmp_path: Path) -> None:
    kept = write(tmp_path, batch=[0, 0, 1], batch_ns=[30, 30, 20])
    back = read_samples(tmp_path, kept)
    assert (back["batch"].tolist(), back["batch_ns"].tolist()) == ([0, 0, 1], [30, 30, 20])
    without = write_samples(tmp_path, TRIAL, 0, 2, 2, columns())
    assert read_samples(tmp_path, without)["batch"].size == 0
    with pytest.raises(StoreError, match="columns"):
        write_samples(tmp_path, TRIAL, 0, 3, 2, columns(batch=[0, 0, 1]))
