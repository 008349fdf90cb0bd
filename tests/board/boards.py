"""Runs for boards: as many models, setups and machines as a test asks for."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_run import MEASURED, make_result, make_run

from wattmark.board.intake import submissions
from wattmark.board.shelf import standings
from wattmark.board.shelf.database import Database
from wattmark.records import Bundle, Run, bundle_of


def a_run(number: int = 0, **changes: object) -> Run:
    """A run of the nine setups of the quickstart; each number has energies of its own."""
    factor = float(np.random.default_rng(number).uniform(0.5, 2.0)) if number else 1.0
    results = [
        make_result(label, latency, ratio * factor, right)
        for label, (latency, ratio, right) in MEASURED.items()
    ]
    made = make_run(results, id=f"20260101-12{number:04d}-quickstart")
    if changes.get("model"):
        made = with_model(made, str(changes.pop("model")))
    return made.model_copy(update=changes)


def with_model(run: Run, name: str) -> Run:
    """The run as one of a model of that name."""
    results = tuple(
        r.model_copy(update={"trial": r.trial.model_copy(update={"model": name})})
        for r in run.results
    )
    model = run.model.model_copy(update={"name": name})
    plan = run.plan.model_copy(update={"model": name})
    return run.model_copy(update={"model": model, "plan": plan, "results": results})


def with_two_editions(database: Database, newcomer: str) -> None:
    """A frozen edition of two models, and an open one that a third has joined, in November 2026."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wattmark.board.shelf.times.now", lambda: "2026-11-27T12:00:00Z")
        accepted(database, a_run(1), a_run(2, model="org/model"))
        with database.writing() as connection:
            standings.freeze(connection, "2026-H2", "2026-11-27", by="ada")
        accepted(database, a_run(3, model=newcomer))


def accepted(database: Database, *runs: Run) -> list[str]:
    """Put runs on the board: the digests of their bundles."""
    digests = []
    for run in runs:
        bundle = _bundle(run)
        with database.writing() as connection:
            submissions.receive(connection, bundle, by="test")
            submissions.accept(connection, bundle.digest, by="test")
        digests.append(bundle.digest)
    return digests


_bundles: dict[str, Bundle] = {}


def _bundle(run: Run) -> Bundle:
    """The bundle of a run; the same runs are on many boards, and are written down once."""
    said = run.model_dump_json()
    if said not in _bundles:
        _bundles[said] = bundle_of(run)
    return _bundles[said]
