"""Quality of answers and where it stands to the baseline's, for each kind of metric."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from synthetic_run import BASELINE

from wattmark.quantities import Quantity, Reason
from wattmark.records import Plan, Quality
from wattmark.results.known_answers import Answer
from wattmark.results.quality import quality
from wattmark.statistics import (
    accuracy_quantity,
    relative_quality,
    resampled_metric,
    resampled_ratio,
)

N = 40


class Right:
    """The share of right answers."""

    metric = "accuracy"
    higher_is_better = True

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        return sum(a == b for a, b in zip(predictions, labels, strict=True)) / len(labels)


class Graded(Right):
    """The mean of half points, too."""

    metric = "F1"

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        return sum(score(a, b) for a, b in zip(predictions, labels, strict=True)) / len(labels)


class Wrong(Right):
    """An error rate, which is no mean of its scores."""

    metric = "error rate"
    higher_is_better = False

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        return 1.0 - super().quality(predictions, labels)


class WithMore(Right):
    also = {"error rate": lambda a, b: sum(x != y for x, y in zip(a, b, strict=True)) / len(b)}


def score(prediction: str, label: str) -> float:
    return 0.5 if prediction == "half" else float(prediction == label)


def answers(wrong: Sequence[int] = (), half: Sequence[int] = ()) -> dict[int, Answer]:
    """Right ones, but for these; not in the order of their queries."""
    said = {
        n: "?" if n in wrong else "half" if n in half else str(n % 3) for n in reversed(range(N))
    }
    return {n: (text, score(text, str(n % 3))) for n, text in said.items()}


MATERIAL: Any = SimpleNamespace(
    model=SimpleNamespace(trained=True),
    examples=[SimpleNamespace(label=str(n % 3)) for n in range(N)],
)
REFERENCE = answers(wrong=[0, 1])


def judged(
    task: Any, mine: dict[int, Answer], baseline: dict[int, Answer] | None = None, **plan: Any
) -> Quality:
    fields = {"name": "p", "task": "t", "model": "m", "setups": [BASELINE], "seed": 3}
    chosen = Plan.model_validate(fields | plan)
    return quality(chosen, task, MATERIAL, mine, REFERENCE if baseline is None else baseline, 7)


def test_a_share_of_right_answers() -> None:
    mine = answers(wrong=[0, 2, 3, 4])
    found = judged(Right(), mine)

    assert (found.metric, found.queries, found.reused) == ("accuracy", N, 7)
    assert found.value == accuracy_quantity(36.0, N)
    scores = [np.array([a[n][1] for n in range(N)]) for a in (mine, REFERENCE)]
    assert found.of_reference == relative_quality(*scores)
    assert found.of_reference.value == pytest.approx(36 / 38)
    assert found.also == {}


def test_the_gate_is_at_least_its_share() -> None:
    mine = answers(wrong=[0, 2, 3, 4])
    share = judged(Right(), mine).of_reference.value
    assert judged(Right(), mine, quality_gate=share).gate_passed is True
    assert judged(Right(), mine, quality_gate=0.95).gate_passed is False
    assert judged(Right(), mine, quality_gate=0.94).gate_passed is True


def test_only_queries_that_both_answered_are_compared() -> None:
    mine = answers(wrong=[0, 2])
    half = {n: a for n, a in REFERENCE.items() if n < 20}
    found = judged(Right(), mine, half)
    assert found.value == accuracy_quantity(38.0, N)
    scores = [np.array([a[n][1] for n in range(20)]) for a in (mine, half)]
    assert found.of_reference == relative_quality(*scores)

    apart = judged(Right(), mine, {})
    assert apart.of_reference.reason is Reason.NO_BASELINE
    assert apart.of_reference.detail == f"{BASELINE} has no result"
    assert apart.gate_passed is None and apart.value.known


def test_the_baseline_is_its_own_reference() -> None:
    found = judged(Right(), REFERENCE)
    assert (found.of_reference, found.gate_passed) == (Quantity.exact(1.0, "1"), True)


@pytest.mark.parametrize("task", [Right(), WithMore(), Wrong()])
def test_quality_that_is_not_asked_or_cannot_be(task: Any) -> None:
    unasked = judged(task, REFERENCE, cost_only=True)
    assert {unasked.value.reason, unasked.of_reference.reason} == {Reason.NOT_ASKED}
    assert unasked.gate_passed is None and unasked.queries == N
    random: Any = SimpleNamespace(model=SimpleNamespace(trained=False), examples=MATERIAL.examples)
    plan = Plan.model_validate({"name": "p", "task": "t", "model": "m", "setups": [BASELINE]})
    untrained = quality(plan, task, random, REFERENCE, REFERENCE)
    assert {untrained.value.reason, untrained.of_reference.reason} == {Reason.UNTRAINED}
    assert untrained.gate_passed is None and untrained.reused == 0


def test_a_mean_of_graded_scores_is_resampled() -> None:
    mine = answers(half=[0, 5, 9])
    found = judged(Graded(), mine)
    scores, theirs = (np.array([a[n][1] for n in range(N)]) for a in (mine, REFERENCE))

    assert found.value == resampled_metric(lambda at: float(scores[at].mean()), N, seed=3)
    assert found.value.value == pytest.approx(38.5 / N)
    assert found.of_reference == resampled_ratio(
        lambda at: float(scores[at].mean()), lambda at: float(theirs[at].mean()), N, seed=3
    )


def test_two_error_rates_are_compared_by_what_was_right() -> None:
    mine = answers(wrong=[0, 2, 3, 4])
    found = judged(Wrong(), mine)
    right, theirs = (np.array([a[n][1] for n in range(N)]) for a in (mine, REFERENCE))

    assert found.value.value == pytest.approx(4 / N)
    assert found.of_reference.value == pytest.approx(36 / 38)
    expected = resampled_ratio(
        lambda at: float(right[at].mean()), lambda at: float(theirs[at].mean()), N, seed=3
    )
    assert found.of_reference.bounds() == pytest.approx(expected.bounds())


def test_further_metrics_stand_beside_the_first() -> None:
    mine = answers(wrong=[0, 2, 3, 4])
    wrong = np.array([1.0 - mine[n][1] for n in range(N)])
    for baseline in (mine, REFERENCE):
        (rate,) = judged(WithMore(), mine, baseline).also.values()
        assert rate == resampled_metric(lambda at: float(wrong[at].mean()), N, seed=3)


def test_without_an_answer_there_is_no_quality() -> None:
    found = judged(Right(), {})
    assert not found.value.known and found.queries == 0
    assert found.of_reference.reason is Reason.NO_BASELINE
