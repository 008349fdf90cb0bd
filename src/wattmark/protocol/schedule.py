"""Which queries a round holds, in what order trials take their turns, when processes are renewed.

One pass over the sample is cut into ``rounds`` blocks. Round ``i`` of every trial holds block
``i mod rounds``, so rounds are paired across trials by their index. Within a round the trials'
order is a seeded shuffle, so that no setup always follows the same neighbour.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from wattmark.records import Plan


def block(plan: Plan, queries: int, index: int) -> tuple[int, int]:
    """First and past-last query number of round ``index``."""
    rounds = min(plan.rounds, queries)
    position = index % rounds
    return queries * position // rounds, queries * (position + 1) // rounds


def rounds_of_a_pass(plan: Plan, queries: int) -> int:
    """Rounds until every query has been asked once."""
    return min(plan.rounds, queries)


def turn_order(plan: Plan, trials: Sequence[str], index: int) -> list[str]:
    """The trials' order in round ``index``."""
    order = sorted(trials)
    random.Random(f"{plan.seed}-{index}").shuffle(order)
    return order


def renewals(plan: Plan, queries: int) -> set[int]:
    """Round indices at which every trial gets a fresh process; 0 is one of them."""
    rounds = rounds_of_a_pass(plan, queries)
    executions = min(plan.executions, rounds)
    return {rounds * e // executions for e in range(executions)}
