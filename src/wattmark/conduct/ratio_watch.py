"""What the rounds so far say of the ratios to the baseline: looked at after every round index."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from wattmark.conduct.recorder import Samples, log_latency_ratios
from wattmark.records import Plan, Round
from wattmark.statistics import (
    Costs,
    PastSpread,
    PastSpreads,
    narrow_enough,
    pooled_ratios,
)

_FIGURES = ("latency", "cpu_time")


class RatioWatch:
    """Keeps rounds that count, by trial and index; ``past`` is what the machine's history says."""

    def __init__(self, plan: Plan, past: PastSpreads | None = None) -> None:
        self._plan = plan
        self._past = past or {}
        self._samples: dict[str, dict[int, Samples]] = {}
        self._cpu_s: dict[str, dict[int, float]] = {}
        self._executions: dict[str, dict[int, int]] = {}

    def remember(self, done: Round, samples: Samples) -> None:
        """A round that counts; a later one of the same index replaces it."""
        self._samples.setdefault(done.trial, {})[done.index] = samples
        self._cpu_s.setdefault(done.trial, {})[done.index] = done.cpu_s / done.queries
        self._executions.setdefault(done.trial, {})[done.index] = done.execution

    def has(self, trial: str, index: int) -> bool:
        """Whether a trial has had this round."""
        return index in self._cpu_s.get(trial, {})

    def narrow(self, trials: Collection[str]) -> bool:
        """Whether more rounds of these processes are not needed: the ratio of those that ran is
        known within the plan's width, by a rule that stays honest under continuous looking."""
        return all(
            narrow_enough(list(logs.values()), self._plan.ratio_width)
            for trial in self._others(trials)
            for logs in self._log_ratios(trial)
        )

    def known(self, trials: Collection[str]) -> bool:
        """Whether more processes are not needed either: so are the ratios of setups, whose
        intervals hold the spread between processes as far as anything knows it."""
        others = self._others(trials)
        if not others:
            return True
        by_figure = zip(*(self._log_ratios(trial) for trial in others), strict=True)
        for figure, logs in zip(_FIGURES, by_figure, strict=True):
            past = self._past.get(figure, {})
            setups = {
                trial: self._costs(trial, its, past)
                for trial, its in zip(others, logs, strict=True)
            }
            own = self._costs(self._plan.baseline_label, {}, past)
            found = pooled_ratios(setups, own)
            if len(found) < len(others):
                return False
            for ratio in (one.ratio for one in found.values()):
                _, value, high = ratio.bounds()
                if high / value > 1 + self._plan.ratio_width:
                    return False
        return True

    def _costs(
        self, trial: str, logs: dict[int, float], past: Mapping[str, Sequence[PastSpread]]
    ) -> Costs:
        framework = trial.partition("/")[0]
        return Costs(logs, self._executions.get(trial, {}), tuple(past.get(framework, ())))

    def _others(self, trials: Collection[str]) -> list[str]:
        baseline = self._plan.baseline_label
        return [t for t in trials if t != baseline] if baseline in trials else []

    def _log_ratios(self, trial: str) -> Iterator[dict[int, float]]:
        """Of latency and of CPU time, each by index."""
        baseline = self._plan.baseline_label
        ours, theirs = self._samples.get(trial, {}), self._samples.get(baseline, {})
        yield log_latency_ratios(ours, theirs)
        common = sorted(ours.keys() & theirs.keys())
        spent = {i: (self._cpu_s[trial][i], self._cpu_s[baseline][i]) for i in common}
        yield {i: math.log(a / b) for i, (a, b) in spent.items() if a > 0 and b > 0}
