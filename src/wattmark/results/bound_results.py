"""Whether a server kept its bound of latency: the share under it, goodput, a sequential verdict.

LoadGen's verdict is of one test. Here all counted tests of a setup are taken together, query by
query in the order of issue, by a rule that stays honest at every look
(:mod:`wattmark.statistics.sequential_latency`). A query that failed is over the bound.
"""

from __future__ import annotations

import numpy as np

from wattmark.records import LatencyBound, Plan
from wattmark.results.measurement import Measured
from wattmark.statistics import accuracy_quantity, pooled_rate
from wattmark.statistics.sequential_latency import SequentialLatency, sequential_rule

#: MLPerf's percentile of the server scenario.
PERCENTILE = 0.99


def latency_bound(plan: Plan, ours: Measured) -> LatencyBound | None:
    """None where the plan has no such bound, or nothing was measured."""
    wanted = plan.loadgen
    if wanted is None or wanted.target_latency_ms is None or not ours.rounds:
        return None
    if plan.scenario != "server" or wanted.mode != "performance":
        return None
    limit_ns = 1e6 * wanted.target_latency_ms
    kept = []
    for index in sorted(ours.rounds):
        samples = ours.samples[index]
        answered = np.array([error is None for error in samples.error])
        kept.append(answered & (samples.latency_ns <= limit_ns))
    state = SequentialLatency(sequential_rule(PERCENTILE))
    for under in np.concatenate(kept).tolist():
        state = state.add(int(under), int(not under))
    rounds = ours.in_order()
    return LatencyBound(
        limit_ms=wanted.target_latency_ms,
        percentile=PERCENTILE,
        share=accuracy_quantity(state.under, state.queries),
        goodput=pooled_rate([k.sum() for k in kept], [r.wall_s for r in rounds], "query/s"),
        verdict=state.verdict.value,
        more_queries=state.more_queries,
    )
