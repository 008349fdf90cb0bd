"""What a kind of run is: how its runs are kept, shown and reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from wattmark.store.kept_runs import KeptRuns

if TYPE_CHECKING:
    from wattmark.reports.shown import Shown

R = TypeVar("R")


@dataclass(frozen=True)
class RunKind(Generic[R]):
    """A kind of run.

    ``name`` is what ``wattmark list runs`` calls it, ``one`` and ``many`` are how sentences do.
    ``record`` is the class of its runs. ``shown`` is a run for the terminal, ``report`` a run as a
    document in a format, which raises InputError's children for a format that it does not have.
    """

    name: str
    one: str
    many: str
    record: type[R]
    kept: KeptRuns[R]
    shown: Callable[[R], Shown]
    report: Callable[[R, str], str]
