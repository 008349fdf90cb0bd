"""Runs of plans as one kind among others; they are rows of the database, and can be resumed."""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.records import Run
from wattmark.store.kept_runs import RunLine
from wattmark.store.store import Store


class PlanRuns:
    """The runs of plans in the user's store; implements `KeptRuns`."""

    def times(self) -> Mapping[str, str]:
        """Of every run, by its id: when it began."""
        with Store.open() as store:
            return store.times()

    def listed(self) -> list[RunLine]:
        """One line for each run."""
        with Store.open() as store:
            return [
                RunLine(s.id, s.created_at, s.status, s.task, s.model, f"{s.setups} setups")
                for s in store.runs()
            ]

    def load(self, run_id: str) -> Run:
        """The run of that id, which has to be finished."""
        with Store.open() as store:
            return store.load(run_id)

    def save(self, run: Run) -> None:
        """Keep a run that was not recorded step by step."""
        with Store.open() as store:
            store.begin(run.id, run.created_at, run.plan, run.model, run.task, run.environment)
            store.finish(run)
