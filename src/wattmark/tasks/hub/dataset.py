"""A data set of the hub: which files of which repository, and how a row becomes an example.

Only data files are fetched and read (Parquet, JSON, CSV); no code of a repository is ever run.
What has no data files of its own is read from the hub's own conversion to Parquet, the branch
``refs/convert/parquet``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.assets import FolderRef, hub_asset, resolve
from wattmark.contracts import Example
from wattmark.errors import AssetError, CorruptArchiveError
from wattmark.tasks.hub.tables import FORMATS, open_table

CONVERTED = "refs/convert/parquet"
#: the data sets of the AI Energy Score's Table 1
AIES = "aies"

Row = Mapping[str, Any]
#: a row's data and label in the task's form; None leaves the row out
Read = Callable[[Row], tuple[Any, Any] | None]


@dataclass(frozen=True)
class HubDataset:
    """One data set for one task; a :class:`wattmark.contracts.DataSet`.

    ``files`` are patterns of the split's files, where ``*`` also matches ``/``; of those that match
    only the first ``shards`` are fetched (0: all), and of their rows only the first ``rows`` are
    read (0: all). ``columns`` hold data, ``label_columns`` what labels are made from. ``label``
    says what a label is, and is empty where the task cannot score the set.
    """

    name: str
    repo: str
    files: tuple[str, ...]
    split: str
    columns: tuple[str, ...]
    read: Read
    licence: str
    citation: str
    label_columns: tuple[str, ...] = ()
    label: str = ""
    unit: str = "query"
    revision: str = "main"
    gated: bool = False
    shards: int = 0
    rows: int = 0
    collections: tuple[str, ...] = (AIES,)

    def draw(self, samples: int, seed: int, folder: Path | None) -> tuple[str, list[Example]]:
        """Where it was read, and at most ``samples`` examples in an order drawn by ``seed``.

        Raises AssetError where files or columns are missing or cannot be read, and
        MissingPackageError.
        """
        source, files = self._located(folder)
        table, columns = open_table(files, self.rows)
        self._check(columns, source)
        drawn: list[Example] = []
        for number in np.random.default_rng(seed).permutation(len(table)).tolist():
            if len(drawn) == samples:
                break
            try:
                pair = self.read(table[number])
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise CorruptArchiveError(
                    f"{self.name}, row {number} of {source}: {error!r}"
                ) from error
            if pair is not None:
                drawn.append(Example(*pair, self.name))
        return f"{self.name}: {source}; {self.citation}", drawn

    def _located(self, folder: Path | None) -> tuple[str, list[Path]]:
        """Where the files are from, and the files on this machine."""
        if folder is None:
            part = hashlib.sha256(repr((self.files, self.shards)).encode()).hexdigest()[:8]
            asset, commit = hub_asset(
                self.repo, self.revision, self._chosen, repo_type="dataset", part=part
            )
            source = f"hub data set {self.repo} at {commit}"
        else:
            path = folder.expanduser().absolute()
            names = [p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()]
            chosen = self._chosen(names, f"the folder {path}") if path.is_dir() else ()
            asset = resolve(FolderRef(path=path, files=chosen))
            source = f"folder {path}"
        return source, [asset.path(name) for name in sorted(asset.files)]

    def _chosen(self, names: Iterable[str], where: str) -> tuple[str, ...]:
        """The split's files among those of a repository. Raises AssetError where there is none."""
        data = sorted(name for name in names if name.endswith(tuple(FORMATS)))
        found = [n for n in data if any(fnmatchcase(n, pattern) for pattern in self.files)]
        if not found:
            some = ", ".join(data[:6]) or "no data file"
            raise AssetError(
                f"{where} has no file of {self.name} ({' or '.join(self.files)}); it has {some}. "
                f"Lay a copy out as the hub's {self.repo}, branch {self.revision}"
            )
        return tuple(found[: self.shards] if self.shards else found)

    def _check(self, found: Iterable[str], source: str) -> None:
        there = set(found)
        if absent := [c for c in (*self.columns, *self.label_columns) if c not in there]:
            labels = [column for column in absent if column in self.label_columns]
            what = f"which holds the labels ({self.label})" if labels else "which holds the data"
            raise AssetError(
                f"{self.name}: {source} has no column {(labels or absent)[0]!r}, {what}; expected "
                f"{', '.join((*self.columns, *self.label_columns))}; found "
                f"{', '.join(sorted(there))}"
            )


def aies_sample(
    task: str, column: str, read: Read, of: str, *, label: str = "", unit: str = "query"
) -> HubDataset:
    """The rows that the AI Energy Score itself measures a task with, drawn from the sets ``of``."""
    return HubDataset(
        name="aies-sample",
        repo=f"AIEnergyScore/{task}",
        files=("data/train*.parquet",),
        split="train",
        columns=(column,),
        read=read,
        licence=f"those of {of}",
        citation="AI Energy Score, 2025",
        label=label,
        unit=unit,
        collections=(),
    )
