"""Every task of the field, once: packaged model and data, from the plan to a scored result."""

from __future__ import annotations

import pytest

from wattmark import registry
from wattmark.records import Plan, Run, Suite
from wattmark.workflows import runs

SMOKE = runs.read("smoke")
assert isinstance(SMOKE, Suite)


@pytest.fixture
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversions are checked with a few queries, and warm-up may take a second.

    The way is the same; the figures are of too few queries to say anything, warm or not.
    """
    monkeypatch.setattr("wattmark.conduct.conductor.CHECK_QUERIES", 4)
    monkeypatch.setattr("wattmark.conduct.preparing.MIN_WARM_UP_S", 1.0)


def test_the_suite_holds_every_task():
    assert sorted(plan.task for plan in SMOKE.plans) == registry.names("task")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("plan", SMOKE.plans, ids=lambda plan: plan.name)
def test_a_task_runs_from_its_plan_to_a_result(plan: Plan, in_haste: None):
    done = runs.run(plan.model_copy(update={"samples": 4, "contention_repeats": 0}))

    (result,) = done.results
    assert result.failure is None
    assert result.quality is not None and result.quality.queries == done.task.samples
    assert result.quality.value.known
    assert all(energy.per_query.known or energy.per_query.reason for energy in result.energy)
    assert Run.model_validate_json(done.model_dump_json()) == done
