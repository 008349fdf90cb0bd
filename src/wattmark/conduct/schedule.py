"""Which queries a round holds, in what order trials take their turns, when processes are renewed.

One pass over the sample is cut into ``rounds`` blocks. Round ``i`` of every trial holds block
``i mod rounds``, so rounds are paired across trials by their index. Within a round the trials'
order is a seeded shuffle, so that no setup always follows the same neighbour.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.records import Plan

#: Fresh processes a setup, at most.
MOST_EXECUTIONS = 20


def block(plan: Plan, queries: int, index: int) -> tuple[int, int]:
    """First and past-last query number of round ``index``; LoadGen draws from all of them."""
    if plan.loadgen is not None:
        return 0, queries
    rounds = min(plan.rounds, queries)
    position = index % rounds
    return queries * position // rounds, queries * (position + 1) // rounds


def rounds_of_a_pass(plan: Plan, queries: int) -> int:
    """Rounds until every query has been asked once; of LoadGen's tests, all there are."""
    if plan.loadgen is not None:
        return plan.rounds
    return min(plan.rounds, queries)


def turn_order(plan: Plan, trials: Sequence[str], index: int) -> list[str]:
    """The trials' order in round ``index``."""
    order = sorted(trials)
    random.Random(f"{plan.seed}-{index}").shuffle(order)
    return order


@dataclass(frozen=True)
class Progress:
    """Where a run stands: what decides whether processes are renewed.

    ``executions`` counts those begun. ``measured_s`` is the time of all rounds, ``round_s`` that of
    a usual one (of all trials), ``load_s`` what renewing takes, ``left_s`` what is left of the
    budget. ``narrow`` says that more rounds of the same processes are not needed and that the
    latest execution has had its share of a pass, ``known`` that more processes are not either.
    """

    executions: int
    measured_s: float
    round_s: float
    load_s: float
    left_s: float
    narrow: bool
    known: bool = True


def share_of_a_pass(plan: Plan, queries: int) -> int:
    """Rounds that every execution holds at least, unless the time budget ends it."""
    return max(1, rounds_of_a_pass(plan, queries) // plan.executions)


def last_execution(plan: Plan, progress: Progress) -> bool:
    """Whether no fresh processes will come: the plan has had its executions, or time is short.

    A plan of several goes on beyond its number while the ratios are not known for want of them.
    """
    wanted = plan.executions
    if wanted > 1 and progress.narrow and not progress.known:
        wanted = MOST_EXECUTIONS
    return progress.executions >= wanted or progress.load_s + progress.round_s > progress.left_s


def renewal_due(plan: Plan, progress: Progress) -> bool:
    """Whether the next round wants fresh processes.

    Executions share the budget, less the loading, equally: each then says as much of its process
    as any other, however many passes there are. One ends sooner where the ratios are narrow.
    """
    if last_execution(plan, progress):
        return False
    share_s = (plan.budget_s - (plan.executions - 1) * progress.load_s) / plan.executions
    until_s = progress.executions * share_s
    return progress.narrow or progress.measured_s + progress.round_s / 2 >= until_s
