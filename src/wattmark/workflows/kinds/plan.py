"""Runs of plans: what ``wattmark run`` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wattmark.records import Run
from wattmark.store.plan_runs import PlanRuns
from wattmark.workflows.kinds.kind import RunKind

if TYPE_CHECKING:
    from wattmark.reports.shown import Shown


def _shown(run: Run) -> Shown:
    from wattmark.reports.shown import shown_run

    return shown_run(run)


def _report(run: Run, format_: str) -> str:
    from wattmark.workflows.run_reports import report

    return report(run, format_)


PLAN = RunKind("plan", "a run of a plan", "runs of plans", Run, PlanRuns(), _shown, _report)
