"""What a report format must offer: a run as a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wattmark.records import EndpointRun, Run


@dataclass(frozen=True)
class Reported:
    """A run, and what lies beside its record.

    ``commands`` repeat the run, one a line. ``latencies_ms`` reads the latencies of all counted
    queries by trial id; a trial without samples is not in it.
    """

    run: Run
    commands: tuple[str, ...]
    latencies_ms: Callable[[], Mapping[str, NDArray[np.float64]]]


class ReportFormat(Protocol):
    """A format of ``wattmark report``."""

    @property
    def name(self) -> str:
        """As written after ``--format``, and in its entry point."""
        ...

    @property
    def title(self) -> str:
        """What it is good for, for people."""
        ...

    def render(self, reported: Reported) -> str:
        """The whole document."""
        ...


class EndpointReportFormat(Protocol):
    """A format of ``wattmark report`` for a load of a server."""

    @property
    def name(self) -> str:
        """As written after ``--format``, and in its entry point."""
        ...

    @property
    def title(self) -> str:
        """What it is good for, for people."""
        ...

    def render(self, run: EndpointRun) -> str:
        """The whole document."""
        ...
