"""How runs of a kind are kept, whatever keeps them: rows of the database, or a folder each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class RunLine:
    """One run in a list of them; ``setups`` is what was measured of the model, in a few words."""

    id: str
    created_at: str
    status: str
    task: str
    model: str
    setups: str


class KeptRuns(Protocol[R]):
    """The runs of one kind.

    All raise StoreError where disk or database refuse, or a run cannot be read.
    """

    def times(self) -> Mapping[str, str]:
        """Of every run, by its id: when it began (ISO 8601, UTC)."""
        ...

    def listed(self) -> list[RunLine]:
        """One line for each run."""
        ...

    def load(self, run_id: str) -> R:
        """The run of that id."""
        ...

    def save(self, run: R) -> None:
        """Keep a run, once: results never change."""
        ...
