"""What part of a meter's energy each request bears, so that the parts add up to it exactly.

A meter knows the window, not the request. The total is shared out among the batches by their
duration (what was drawn between batches is borne by all in the same proportion), and each batch's
part among its requests, equally or by their tokens.

Exactness: a float total is a whole number of its own units in the last place (IEEE 754: at most
2**53 of them). These quanta are apportioned by largest remainder (Hamilton's method: everyone gets
the whole quanta of his quota, those left over go to the largest remainders, ties to the first).
So each share is itself a float, within two quanta (4.5e-16 of the total) of its exact proportion,
and ``sum(shares)`` in any order is free of rounding: every partial sum is a whole number of quanta
that a float holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import index

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import InputError
from wattmark.quantities import Quantity

Integers = NDArray[np.int64]


class ShareRule(StrEnum):
    """How a batch's energy is shared out among its requests."""

    EQUAL = "equal"
    TOKENS = "tokens"


@dataclass(frozen=True)
class EnergyShares:
    """One Quantity per request, in their order, and how they were obtained.

    ``batches`` says how the total went to the batches. ``without_tokens`` are the batches whose
    requests had no token between them: they were shared out equally although ``rule`` says tokens.
    """

    rule: ShareRule
    shares: tuple[Quantity, ...]
    batches: str = "by duration"
    without_tokens: tuple[int, ...] = ()


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to ``weights`` (>= 0, one > 0) that add up to ``total``.

    Raises InputError where nobody can bear a total.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights) or whole <= 0:
        raise InputError(
            f"{len(weights)} weights of sum {whole} cannot share anything out: "
            "none may be negative, and at least one must be above 0"
        )
    sign, amount = (-1, -total) if total < 0 else (1, total)
    quotas = [divmod(amount * weight, whole) for weight in weights]
    parts = [quota for quota, _ in quotas]
    left = amount - sum(parts)
    largest = sorted(range(len(weights)), key=lambda i: (-quotas[i][1], i))
    for i in largest[:left]:
        parts[i] += 1
    return [sign * part for part in parts]


def energy_shares(
    total: Quantity,
    batch_of: Sequence[int] | Integers,
    duration_ns: Sequence[int] | Integers,
    tokens: Sequence[int] | Integers | None = None,
) -> EnergyShares:
    """Share ``total`` out among the requests; equally in a batch, or by ``tokens`` where given.

    ``batch_of[i]`` is the batch of request i, ``duration_ns[b]`` how long batch b ran (one that was
    shorter than a tick of the clock counts as one ns). The proportions are exact, so a share's
    interval is the total's times its proportion, at the total's level and grade. A missing total
    gives missing shares for the same reason. Raises InputError where the input does not fit.
    """
    batch_of, duration_ns = _integers(batch_of), _integers(duration_ns)
    tokens = None if tokens is None else _integers(tokens)
    members = _members(batch_of, len(duration_ns), tokens)
    if any(duration < 0 for duration in duration_ns):
        raise InputError("a batch ended before it started: its duration is negative")
    rule = ShareRule.EQUAL if tokens is None else ShareRule.TOKENS
    weights: list[list[int]] = []
    without: list[int] = []
    for batch, requests in enumerate(members):
        counts = [1] * len(requests) if tokens is None else [tokens[i] for i in requests]
        if requests and not any(counts):
            without.append(batch)
            counts = [1] * len(requests)
        weights.append(counts)
    if total.value is None:
        shares = (total,) * len(batch_of)
        return EnergyShares(rule, shares, without_tokens=tuple(without))
    if not batch_of:
        raise InputError(f"{total.value:g} {total.unit} cannot be shared out: there is no request")

    low, value, high = total.bounds()
    quantum = math.ulp(value)
    times = [max(1, d) if m else 0 for d, m in zip(duration_ns, members, strict=True)]
    quanta = apportion(int(value / quantum), times)  # exact: the quantum is a power of two
    whole_time = sum(times)
    shares_at: list[Quantity | None] = [None] * len(batch_of)
    for batch, requests in enumerate(members):
        if not requests:
            continue
        in_batch = sum(weights[batch])
        parts = apportion(quanta[batch], weights[batch])
        for request, part, weight in zip(requests, parts, weights[batch], strict=True):
            share = part * quantum
            # Python's int / int is correctly rounded: the proportion in one step
            proportion = (times[batch] * weight) / (whole_time * in_batch)
            shares_at[request] = Quantity(
                value=share,
                unit=total.unit,
                low=min(share, proportion * low) if low < value else share,
                high=max(share, proportion * high) if high > value else share,
                level=total.level,
                grade=total.grade,
            )
    shares = tuple(share for share in shares_at if share is not None)
    return EnergyShares(rule, shares, without_tokens=tuple(without))


def _integers(values: Sequence[int] | Integers) -> list[int]:
    return [index(value) for value in values]  # NumPy's would overflow


def _members(
    batch_of: Sequence[int], batches: int, tokens: Sequence[int] | None
) -> list[list[int]]:
    """The requests of each batch."""
    if tokens is not None and len(tokens) != len(batch_of):
        raise InputError(f"{len(tokens)} token counts were given for {len(batch_of)} requests")
    if tokens is not None and any(count < 0 for count in tokens):
        raise InputError("a request has a negative number of tokens")
    members: list[list[int]] = [[] for _ in range(batches)]
    for request, batch in enumerate(batch_of):
        if not 0 <= batch < batches:
            raise InputError(
                f"request {request} is in batch {batch}, but there are batches 0 to {batches - 1}"
            )
        members[batch].append(request)
    return members
