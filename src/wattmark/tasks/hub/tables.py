"""Tables in data files, read with ``datasets``: images and recordings stay encoded bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wattmark.assets import cache_folder
from wattmark.errors import CorruptArchiveError, MissingPackageError

#: ending of a file -> the reader of ``datasets`` for it
FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".jsonl.gz": "json",
    ".jsonl.zst": "json",
}


def open_table(files: Sequence[Path], rows: int = 0) -> tuple[Sequence[dict[str, Any]], list[str]]:
    """The rows of files of one format (only the first ``rows``, if not 0), and their columns.

    Rows are read where they are asked for; an image or recording is ``{"bytes", "path"}``.
    Raises CorruptArchiveError and MissingPackageError.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingPackageError(
            "data sets of the hub are read with datasets: install wattmark[hub]"
        ) from error
    if files[0].name.endswith(".zst") and find_spec("zstandard") is None:
        raise MissingPackageError(
            f"{files[0].name} is taken apart with zstandard: install wattmark[data]"
        )
    datasets.disable_progress_bars()
    ending = next(end for end in FORMATS if files[0].name.endswith(end))
    try:
        table = datasets.load_dataset(
            FORMATS[ending],
            data_files=[str(file) for file in files],
            split="train",
            cache_dir=str(cache_folder() / "datasets"),
            streaming=bool(rows),
        )
        for name, feature in (table.features or {}).items():
            if isinstance(feature, (datasets.Image, datasets.Audio)):
                table = table.cast_column(name, type(feature)(decode=False))
        if not rows:
            return table, list(table.column_names)
        read = list(table.take(rows))
    except Exception as error:  # errors of several formats' readers
        raise CorruptArchiveError(
            f"{', '.join(file.name for file in files[:3])} in {files[0].parent} cannot be read as "
            f"{FORMATS[ending]}: {error}"
        ) from error
    return read, list(read[0]) if read else []


def encoded(cell: Any) -> bytes:
    """The bytes of an image or recording in a cell. Raises ValueError where it holds none."""
    held = cell.get("bytes") if isinstance(cell, Mapping) else cell
    if not isinstance(held, bytes) or not held:
        raise ValueError("the cell holds no image or recording, but a path or nothing")
    return held
