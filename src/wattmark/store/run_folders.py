"""Runs that are measured in one go: a folder each, with the run's document and its raw files.

They are no rows of the database, since there is nothing to resume.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from pydantic import ValidationError

from wattmark.assets.data_folder import data_folder
from wattmark.assets.whole_file import write_whole
from wattmark.errors import StoreError
from wattmark.records import READABLE_VERSIONS
from wattmark.store import run_ids
from wattmark.store.kept_runs import RunLine

_DOCUMENT = "run.json"


class _Document(Protocol):
    """What a record of a run has, to lie in a folder."""

    @property
    def id(self) -> str: ...

    @property
    def schema_version(self) -> str: ...

    def model_dump_json(self, *, indent: int) -> str: ...

    @classmethod
    def model_validate_json(cls, json_data: bytes) -> Self: ...


D = TypeVar("D", bound=_Document)


class RunFolders(Generic[D]):
    """The runs of one kind, in a folder of the data folder; implements `KeptRuns`.

    ``line`` says what a run is in a list.
    """

    def __init__(self, name: str, record: type[D], line: Callable[[D], RunLine]) -> None:
        self._name = name
        self._record = record
        self._line = line

    def folder(self, run_id: str) -> Path:
        """Where a run's document and raw files lie."""
        return self._root() / run_id

    def times(self) -> Mapping[str, str]:
        """Of every run, by its id: when it began."""
        ids = [path.parent.name for path in self._root().glob(f"*/{_DOCUMENT}")]
        return {run_id: run_ids.created_at(run_id) for run_id in ids}

    def listed(self) -> list[RunLine]:
        """One line for each run."""
        return [self._line(self.load(run_id)) for run_id in self.times()]

    def load(self, run_id: str) -> D:
        """The run of that id."""
        path = self.folder(run_id) / _DOCUMENT
        try:
            run = self._record.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise StoreError(f"run {run_id} cannot be read from {path}: {error}") from error
        if run.schema_version not in READABLE_VERSIONS:
            raise StoreError(
                f"run {run_id} has schema version {run.schema_version}: update Wattmark"
            )
        return run

    def save(self, run: D) -> None:
        """Write a run's document, once."""
        path = self.folder(run.id) / _DOCUMENT
        if path.exists():
            raise StoreError(f"run {run.id} is recorded already, and results never change")
        try:
            write_whole(path, run.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise StoreError(f"run {run.id} cannot be written: {error}") from error

    def _root(self) -> Path:
        return data_folder() / self._name
