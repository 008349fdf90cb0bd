"""The rounds of earlier runs on the same machine: what its processes differ by is read from them.

Nothing is kept for it beside the rounds, so runs of any age say what they know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wattmark.records import COMPARABLE_FIELDS, Environment, Plan
from wattmark.records.canonical import content_digest
from wattmark.results.past_spreads import PastRound, PastRun
from wattmark.store.tables import RoundRow, RunRow

#: Runs that are looked at, newest first.
MOST_RUNS = 40


def past_runs(session: Session, run_id: str, plan: Plan, environment: Environment) -> list[PastRun]:
    """Earlier runs of the same scenario on this machine, but for the run itself."""
    query = (
        select(RunRow.id, RunRow.created_at, RunRow.plan, RunRow.model_info, RunRow.environment)
        .where(RunRow.id != run_id)
        .order_by(RunRow.created_at.desc(), RunRow.id.desc())
    )
    here = environment.model_dump(mode="json")
    found: list[PastRun] = []
    for earlier, created_at, its_plan, model, its_environment in session.execute(query):
        if len(found) == MOST_RUNS:
            break
        same = all(its_environment.get(f) == here[f] for f in ("hostname", *COMPARABLE_FIELDS))
        if same and _driven(its_plan) == _driven(plan.model_dump(mode="json")):
            rounds = _rounds(session, earlier)
            series = _series(its_plan, model, its_environment)
            found.append(PastRun(created_at, series, rounds))
    return found


def _driven(plan: Mapping[str, Any]) -> tuple[Any, bool]:
    return plan.get("scenario", "single-stream"), plan.get("mlperf") is not None


def _series(plan: Mapping[str, Any], model: Mapping[str, Any], its: Mapping[str, Any]) -> str:
    setups = sorted(json.dumps(setup, sort_keys=True) for setup in plan.get("setups", ()))
    same = (plan.get("task"), plan.get("samples"), model.get("digest"), setups, its.get("packages"))
    return content_digest(same)


def _rounds(session: Session, run_id: str) -> list[PastRound]:
    record = RoundRow.record
    query = select(
        RoundRow.trial,
        RoundRow.execution,
        RoundRow.index,
        record["queries"].as_integer(),
        record["wall_s"].as_float(),
        record["cpu_s"].as_float(),
    ).where(RoundRow.run_id == run_id, RoundRow.superseded.is_(False))
    return [PastRound(*row) for row in session.execute(query) if None not in row]
