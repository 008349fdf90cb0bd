"""Task quality of a trial, and where it stands to the baseline on the same queries.

Shares of right answers get the intervals of `statistics.proportions`; every other metric is
resampled (`statistics.resampling`). Where less is better the metric is an error rate e, and two
are compared as 1 - e, as MLPerf does for its recogniser's word error rate (Reddi et al., "MLPerf
Inference Benchmark", ISCA 2020, table I).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.conduct.material import Material
from wattmark.contracts import Task
from wattmark.quantities import Quantity, Reason
from wattmark.records import Plan, Quality
from wattmark.results.chance import better_than_chance
from wattmark.results.known_answers import Answer
from wattmark.results.text_loss import METRIC, TextLosses
from wattmark.statistics import (
    accuracy_quantity,
    relative_quality,
    resampled_metric,
    resampled_ratio,
)
from wattmark.statistics.resampling import Statistic

Metric = Callable[[Sequence[str], Sequence[Any]], float]


def quality(
    plan: Plan,
    task: Task,
    material: Material,
    answers: Mapping[int, Answer],
    baseline: Mapping[int, Answer],
    reused: int = 0,
    losses: TextLosses | None = None,
) -> Quality:
    """Quality of the answers of a trial: by query number, each with its score.

    ``baseline`` holds the baseline's answers (the same mapping where the trial is the baseline);
    ``reused`` says how many of ``answers`` were not timed in this run. ``losses`` of held-out text,
    where both have some, are what the two are compared by. A reference that is no better than
    chance cannot be compared with: the gate is then not passed, by the reference either.
    """
    found = partial(Quality, metric=task.metric, queries=len(answers), reused=reused)
    if plan.cost_only:
        none = Quantity.missing("1", Reason.NOT_ASKED, "the plan asks for cost only")
        return found(value=none, of_reference=none, gate_passed=None)
    if not material.model.trained:
        none = Quantity.missing("1", Reason.UNTRAINED, "the model's weights are random")
        return found(value=none, of_reference=none, gate_passed=None)
    sample = _Sample(task, material, answers, plan.seed)
    value, also = sample.metric(), sample.also()
    judged = losses if losses is not None and losses.known else None
    if judged is not None:
        also = {METRIC: judged.bits_per_byte(), **also}
    common = sorted(answers.keys() & baseline.keys())
    reference = _Sample(task, material, {q: baseline[q] for q in common}, plan.seed)
    weak = judged.reference_is_weak() if judged is not None else reference.weak()
    if weak and common:
        by = METRIC if judged is not None else task.metric
        detail = f"{by} of {plan.baseline_label} is no better than chance"
        relative = Quantity.missing("1", Reason.TOO_WEAK_FOR_THE_TASK, detail)
        return found(value=value, of_reference=relative, gate_passed=False, also=also)
    if baseline is answers:
        relative = Quantity.exact(1.0, "1")
    elif judged is not None:
        relative = judged.of_reference()
    elif not common:
        relative = Quantity.missing("1", Reason.NO_BASELINE, f"{plan.baseline_label} has no result")
    else:
        mine = _Sample(task, material, {q: answers[q] for q in common}, plan.seed)
        relative = mine.over(reference)
    passed = None if relative.value is None else relative.value >= plan.quality_gate
    return found(
        value=value,
        of_reference=relative,
        gate_passed=passed,
        also=also,
        judged_by=METRIC if judged is not None else None,
    )


class _Sample:
    """The answers to some queries with their labels, and the task's metrics over them."""

    def __init__(
        self, task: Task, material: Material, answers: Mapping[int, Answer], seed: int
    ) -> None:
        queries = sorted(answers)
        self._task = task
        self._seed = seed
        self._predictions = [answers[q][0] for q in queries]
        self._labels = [material.examples[q].label for q in queries]
        self._scores = np.array([answers[q][1] for q in queries])

    def metric(self) -> Quantity:
        if self._is_share:
            return accuracy_quantity(float(self._scores.sum()), self._scores.size)
        return resampled_metric(self._statistic(), self._scores.size, seed=self._seed)

    def over(self, reference: _Sample) -> Quantity:
        if self._is_share and reference._is_share:
            return relative_quality(self._scores, reference._scores)
        return resampled_ratio(
            self._goodness(), reference._goodness(), self._scores.size, seed=self._seed
        )

    def weak(self) -> bool:
        """Whether these answers are no better than chance."""
        return not better_than_chance(
            self._task,
            self._predictions,
            self._labels,
            cheap=self._is_share,
            seed=self._seed,
        )

    def also(self) -> dict[str, Quantity]:
        further: Mapping[str, Metric] = getattr(self._task, "also", {})
        return {
            name: resampled_metric(self._over(metric), self._scores.size, seed=self._seed)
            for name, metric in further.items()
        }

    @cached_property
    def _is_share(self) -> bool:
        """Whether the metric is the mean of scores that are 0 or 1."""
        if not np.isin(self._scores, (0.0, 1.0)).all():
            return False
        return self._scores.size == 0 or self._is_mean

    @cached_property
    def _is_mean(self) -> bool:
        whole = self._task.quality(self._predictions, self._labels)
        return bool(np.isclose(whole, self._scores.mean(), rtol=1e-12, atol=1e-12))

    def _statistic(self) -> Statistic:
        if self._scores.size and self._is_mean:
            return lambda indices: float(self._scores[indices].mean())
        return self._over(self._task.quality)

    def _goodness(self) -> Statistic:
        metric = self._statistic()
        return metric if self._task.higher_is_better else lambda indices: 1.0 - metric(indices)

    def _over(self, metric: Metric) -> Statistic:
        def statistic(indices: NDArray[np.intp]) -> float:
            return metric(
                [self._predictions[i] for i in indices], [self._labels[i] for i in indices]
            )

        return statistic
