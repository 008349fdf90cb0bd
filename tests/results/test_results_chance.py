"""A reference that is no better than chance is known by giving its answers to other queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from wattmark.results.chance import LEVEL, better_than_chance


class Accuracy:
    higher_is_better = True

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        return float(np.mean([p == k for p, k in zip(predictions, labels, strict=True)]))


class Errors(Accuracy):
    higher_is_better = False

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        return 1 - super().quality(predictions, labels)


def better(predictions: Sequence[str], labels: Sequence[str], task: Any = None) -> bool:
    return better_than_chance(task or Accuracy(), predictions, labels, cheap=True)


def test_a_classifier_at_chance_is_rarely_taken_for_better():
    rng = np.random.default_rng(0)
    found = [better(*rng.choice(["a", "b"], (2, 60)).tolist()) for _ in range(60)]
    assert np.mean(found) <= 0.1, f"at most {LEVEL}, but for the luck of 60 draws"


@pytest.mark.parametrize("task", [Accuracy(), Errors()])
def test_one_that_is_mostly_right_is_better(task):
    labels = ["a", "b"] * 20
    assert better(["a", "b"] * 15 + ["b", "a"] * 5, labels, task)
    assert not better(labels[1:] + labels[:1], labels, task), "worse than chance is not better"


def test_always_the_commonest_class_is_chance_though_it_is_mostly_right():
    assert not better(["a"] * 40, ["a"] * 36 + ["b"] * 4)


def test_nothing_right_is_chance_and_two_queries_say_nothing():
    assert not better(["?"] * 10, [str(n) for n in range(10)])
    assert better(["?"] * 2, ["1", "2"])
