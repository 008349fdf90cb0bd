"""What loss a sample can show is told in every card and by `plan check`, and it is so."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

from wattmark import registry
from wattmark.contracts import Sensitivity
from wattmark.planning.plans import check_plan
from wattmark.planning.visible_loss import card_sentence, loss_sentence
from wattmark.records import Plan
from wattmark.statistics import relative_quality
from wattmark.statistics.power import smallest_loss

TASKS = [name for name in registry.names("task") if registry.task(name).default_model]


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", TASKS)
def test_every_card_says_the_smallest_loss_that_its_default_sample_shows(name):
    task = registry.task(name)
    if getattr(task, "sensitivity", None) is None:
        pytest.skip("a task of a test's plug-in")
    said = card_sentence(task)
    assert "80 % power" in said
    assert said in plain(registry.card("task", name))
    for model in (registry.model(model) for model in registry.names("model")):
        if model.task == name and Path(inspect.getfile(type(model))).with_suffix(".md").exists():
            assert said in plain(registry.card("model", model.name)), model.name


def test_plan_check_says_it_of_the_plans_own_sample():
    plan = Plan.model_validate(
        {"name": "p", "task": "text-classification", "model": "minilm-l6-sentiment",
         "setups": ["pytorch/eager/fp32"], "samples": 50}
    )  # fmt: skip
    said = loss_sentence(registry.task(plan.task), 50)
    assert f"quality: {said}" in check_plan(plan) and "50 examples" in said
    bare = plan.model_copy(update={"cost_only": True})
    assert not any(note.startswith("quality") for note in check_plan(bare))


def test_text_is_judged_by_texts_of_its_own_however_few_are_asked():
    task = registry.task("text-generation")
    assert loss_sentence(task, 2) == loss_sentence(task, 1000)
    assert "bits per byte" in loss_sentence(task, 2)


def test_a_sample_that_shows_no_loss_says_so():
    class Hard:
        metric = "accuracy"
        sensitivity = Sensitivity(0.1, 10, changed=0.05)

    assert "10 examples cannot show any loss" in loss_sentence(Hard(), 1000)
    assert loss_sentence(object(), 10) == ""


@pytest.mark.parametrize(("n", "reference", "changed"), [(1000, 0.8, 0.02), (200, 0.75, 0.04)])
def test_the_loss_is_seen_in_four_of_five_simulated_runs(n, reference, changed):
    share = smallest_loss(n, reference, changed=changed)
    assert share is not None
    lost = share * reference
    gained = changed / 2
    cells = [gained, gained + lost, reference - gained - lost]  # only ours, only theirs, both
    rng = np.random.default_rng(3)
    seen = 0
    for _ in range(400):
        ours, theirs, both, _ = rng.multinomial(n, [*cells, 1 - sum(cells)])
        mine = np.repeat([1, 0, 1, 0], [ours, theirs, both, n - ours - theirs - both])
        reference_scores = np.repeat([0, 1, 1, 0], [ours, theirs, both, n - ours - theirs - both])
        seen += relative_quality(mine, reference_scores).high < 1
    assert 0.72 <= seen / 400 <= 0.88


def test_spread_alone_says_it_for_other_scores():
    assert smallest_loss(64, 1.0, spread=0.03) == pytest.approx(2.8016 * 0.03 / 8, rel=1e-4)
    with pytest.raises(ValueError, match="either"):
        smallest_loss(64, 1.0)
