"""Loads of servers: what ``wattmark loadtest`` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wattmark.records import EndpointRun
from wattmark.store.endpoint_run_files import ENDPOINT_RUNS
from wattmark.workflows.kinds.kind import RunKind

if TYPE_CHECKING:
    from wattmark.reports.shown import Shown


def _shown(run: EndpointRun) -> Shown:
    from wattmark.reports.endpoint_table import shown_endpoint_runs

    return shown_endpoint_runs([run])


def _report(run: EndpointRun, format_: str) -> str:
    from wattmark.reports.endpoint_report import endpoint_report

    return endpoint_report(run, format_)


ENDPOINT = RunKind(
    name="endpoint",
    one="a load of a server",
    many="loads of servers",
    record=EndpointRun,
    kept=ENDPOINT_RUNS,
    shown=_shown,
    report=_report,
)
