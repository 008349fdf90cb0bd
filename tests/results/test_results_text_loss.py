"""Bits per byte of held-out text, set against the reference's on the same texts."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wattmark.results.text_loss import TextLosses

N = 64
RNG = np.random.default_rng(7)
#: texts differ by far more than setups do
NATS = RNG.normal(60, 15, N)
TEXTS: Any = [
    SimpleNamespace(bytes=90, following=np.zeros((1, 20), np.int64), vocabulary=49152)
    for _ in range(N)
]


def losses(mine: Any, reference: Any = NATS) -> TextLosses:
    return TextLosses(TEXTS, np.asarray(mine), np.asarray(reference))


def test_bits_per_byte_are_the_totals():
    found = losses(NATS).bits_per_byte()
    assert found.value == pytest.approx(NATS.sum() / math.log(2) / (90 * N))
    assert (found.unit, found.level) == ("bit/B", 0.95)


def test_a_loss_of_one_percent_is_seen_beside_texts_that_differ_by_a_quarter():
    mine = 1.01 * NATS + RNG.normal(0, 1.0, N)
    found = losses(mine).of_reference()
    assert found.high < 1 and found.value == pytest.approx(NATS.sum() / mine.sum())
    alone = losses(mine).bits_per_byte()
    assert alone.low < losses(NATS).bits_per_byte().value < alone.high, "unpaired it is not seen"


def test_texts_that_both_were_asked_are_compared():
    found = losses(2 * NATS[:10]).of_reference()
    assert found.value == 0.5
    assert losses(NATS[:10]).known and not losses(NATS[:2]).known
    assert not losses(NATS, np.empty(0)).known


def test_a_reference_that_takes_any_token_alike_is_too_weak():
    any_token = 20 * math.log(49152)
    assert losses(NATS, np.full(N, any_token) + RNG.normal(0, 3, N)).reference_is_weak()
    assert not losses(NATS).reference_is_weak()
