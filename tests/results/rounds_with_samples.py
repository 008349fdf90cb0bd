"""Rounds with raw samples that are said query by query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wattmark.conduct.recorder import Samples
from wattmark.metrology.counters import window_without_idle
from wattmark.quantities import Quantity
from wattmark.records import EnergyWindow, MeterReading, Plan, Ratios, Round, SampleFile
from wattmark.results.measurement import Measured
from wattmark.results.ratio_results import ratios

MS = 1_000_000


class Right:
    """A task whose answers are right or wrong."""

    metric = "accuracy"
    higher_is_better = True

    def score(self, prediction: str, label: str) -> float:
        return float(prediction == label)

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        return sum(map(self.score, predictions, labels)) / len(labels)


def samples(latencies_ms: Sequence[float], **changes: Any) -> Samples:
    """Of queries 0, 1, 2 ... that took so long, all answered with nothing."""
    n = len(latencies_ms)
    fields: dict[str, Any] = {
        "query": np.arange(n, dtype=np.int32),
        "start_ns": np.zeros(n, np.int64),
        "latency_ns": np.array([round(ms * MS) for ms in latencies_ms], np.int64),
        "prediction": [""] * n,
        "score": np.ones(n),
        "error": [None] * n,
    }
    return Samples(**fields | changes)


def window(joules: float, domain: str = "cpu", seconds: float = 1.0) -> EnergyWindow:
    """So much energy of a domain, known to a tenth."""
    before, after = (MeterReading(time_ns=round(s * 1e9), values={}) for s in (0.0, seconds))
    gross = Quantity.between(joules, 0.9 * joules, 1.1 * joules, "J")
    return window_without_idle("plug", domain, gross, before, after)


def a_round(index: int, queries: int, **changes: Any) -> Round:
    fields: dict[str, Any] = {
        "trial": "t",
        "execution": 0,
        "index": index,
        "queries": queries,
        "start_ns": 0,
        "wall_s": 1.0,
        "cpu_s": 1.0,
        "run_queue_wait_s": None,
        "steal_s": None,
        "energy": (),
        "samples": SampleFile(path=f"{index}", sha256="", queries=queries),
    }
    return Round(**fields | changes)


def measured(blocks: Sequence[Samples], **changes: Any) -> Measured:
    """A round of each; a change that is a list has an entry for each."""
    rounds = {
        n: a_round(
            n,
            len(block.query),
            **{k: v[n] if isinstance(v, list) else v for k, v in changes.items()},
        )
        for n, block in enumerate(blocks)
    }
    return Measured(rounds, dict(enumerate(blocks)))


def ratios_of(ours: Measured, baseline: Measured) -> Ratios:
    """Of a setup beside the baseline alone."""
    setups = ["pytorch/eager/fp32", "jax/jit/fp32"]
    plan = Plan.model_validate({"name": "p", "task": "t", "model": "m", "setups": setups})
    return ratios(plan, {setups[1]: ours, setups[0]: baseline})[setups[1]]


def ratios_of_baseline(itself: Measured) -> Ratios:
    setups = ["pytorch/eager/fp32"]
    plan = Plan.model_validate({"name": "p", "task": "t", "model": "m", "setups": setups})
    return ratios(plan, {setups[0]: itself})[setups[0]]
