"""Earlier runs on the same machine: their rounds, whatever Wattmark wrote them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wattmark.records import Environment, Plan, Round
from wattmark.results.past_spreads import PastRound
from wattmark.store import Store
from wattmark.store.locations import DATABASE_NAME

OLD = Path(__file__).parent / "fixtures" / "c49d51f"


@pytest.fixture
def two_runs(
    store: Store, begin: Callable[..., str], make_round: Callable[..., Round]
) -> Callable[..., list[PastRound]]:
    begin("earlier", "2026-01-01T00:00:00Z")
    for index in range(3):
        store.add_round("earlier", make_round(index, execution=index // 2))
    store.add_round("earlier", make_round(2, execution=1, attempt=1, wall_s=9.0))
    store.supersede_round("earlier", "pytorch/eager/fp32", 1, 2, 0)
    begin("now", "2026-01-02T00:00:00Z")
    store.add_round("now", make_round(0))

    def seen(plan: Plan, environment: Environment) -> list[PastRound]:
        runs = store.past_runs("now", plan, environment)
        assert [run.created_at for run in runs] in ([], ["2026-01-01T00:00:00Z"])
        return [done for run in runs for done in run.rounds]

    return seen


def test_the_counted_rounds_of_earlier_runs_are_read(
    two_runs: Callable[..., list[PastRound]], plan: Plan, environment: Environment
) -> None:
    rounds = two_runs(plan, environment)
    assert [(r.index, r.execution, r.queries, r.cpu_s) for r in rounds] == [
        (0, 0, 3, 0.3),
        (1, 0, 3, 0.3),
        (2, 1, 3, 0.3),
    ]
    assert [r.wall_s for r in rounds] == [pytest.approx(0.3), pytest.approx(0.3), 9.0]


def test_another_machine_or_another_scenario_says_nothing_here(
    two_runs: Callable[..., list[PastRound]], plan: Plan, environment: Environment
) -> None:
    assert two_runs(plan, environment.model_copy(update={"hostname": "elsewhere"})) == []
    assert two_runs(plan, environment.model_copy(update={"turbo": True})) == []
    assert two_runs(plan.model_copy(update={"scenario": "server"}), environment) == []


def test_a_run_is_of_the_series_of_its_setups_model_and_packages(
    store: Store, begin: Callable[..., str], plan: Plan, environment: Environment
) -> None:
    begin("one")
    begin("same", "2026-01-02T00:00:00Z")
    (one, same) = store.past_runs("", plan, environment)
    assert one.series == same.series


def test_a_store_of_an_earlier_wattmark_is_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection:
        connection.executescript((OLD / "store.sql").read_text())
    with Store.open(tmp_path) as store:
        run = store.load(store.resolve("latest"))
        (past, *_) = store.past_runs("", run.plan, run.environment)
        assert past.created_at == run.created_at
