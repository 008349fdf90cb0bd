"""Several plans in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark import registry
from wattmark.errors import InputError
from wattmark.planning.plans import load_plan
from wattmark.planning.suites import load, select, share_budget
from wattmark.records import Plan, Suite

SUITE = """
suite: two
defaults: {samples: 30, rounds: 3, setups: [pytorch/eager/fp32]}
plans:
  - {name: texts, task: text-classification, model: minilm-l6-sentiment, budget_s: 30}
  - name: images
    task: image-classification
    model: efficientnet-lite0
    samples: 20
    budget_s: 90
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    return path


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    loaded = load(written(tmp_path, SUITE))
    assert isinstance(loaded, Suite)
    return loaded


def test_defaults_hold_where_a_plan_does_not_say_otherwise(suite: Suite) -> None:
    texts, images = suite.plans

    assert (suite.name, texts.samples, images.samples) == ("two", 30, 20)
    assert texts.rounds == images.rounds == 3


def test_a_file_with_one_plan_is_a_plan() -> None:
    assert isinstance(load(None), Plan)


def test_plans_are_picked_by_name_or_task_in_the_order_of_the_suite(suite: Suite) -> None:
    assert [p.name for p in select(suite, ["image-classification", "texts"]).plans] == [
        "texts",
        "images",
    ]
    with pytest.raises(InputError, match="did you mean images"):
        select(suite, ["imags"])


def test_a_budget_is_shared_out_as_the_plans_own_are(suite: Suite) -> None:
    assert [p.budget_s for p in share_budget(suite, 60).plans] == [15, 45]


def test_an_error_names_the_line_in_the_suite(tmp_path: Path) -> None:
    path = written(tmp_path, SUITE.replace("samples: 20", "sampels: 20"))

    with pytest.raises(InputError, match=r"line 9.*did you mean 'samples'"):
        load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SUITE.replace("name: images", "name: texts"), "two plans are called 'texts'"),
        (SUITE.replace("suite: two", "sweet: two"), "unknown key 'sweet'"),
        ("plans: []", "a list of `plans`"),
        (SUITE.replace("images\n", "images\n    model: x\n", 1), "key 'model' is given twice"),
    ],
)
def test_a_bad_suite_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(written(tmp_path, text))


def test_the_packaged_suite_asks_every_installed_task_of_the_field_and_of_reasoning() -> None:
    loaded = load("all-tasks")

    assert isinstance(loaded, Suite)
    assert {plan.task for plan in loaded.plans} == set(registry.names("task"))


def test_a_suite_is_no_plan() -> None:
    with pytest.raises(InputError, match="is a suite of plans"):
        load_plan("all-tasks")
