"""A batching policy reads back as it was written, and says what is wrong with bad text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.batching.policy import LONGEST_WAIT_MS, BatchingPolicy, parse_policy
from wattmark.errors import InputError


@st.composite
def policies(draw: st.DrawFn) -> BatchingPolicy:
    steps = st.lists(st.integers(1, 10_000), max_size=5, unique=True).map(sorted).map(tuple)
    max_batch = draw(st.integers(1, 4096))
    buckets = draw(steps)
    if draw(st.booleans()):
        return BatchingPolicy(kind="static", max_batch=max_batch, buckets=buckets)
    below = draw(st.lists(st.integers(1, max_batch), max_size=4))
    return BatchingPolicy(
        kind="dynamic",
        max_batch=max_batch,
        max_wait_ms=draw(st.floats(0, LONGEST_WAIT_MS)),
        buckets=buckets,
        sizes=tuple(sorted({*below, max_batch})) if draw(st.booleans()) else (),
    )


@settings(derandomize=True, deadline=None)
@given(policies())
def test_what_is_printed_reads_back_as_the_same_policy(policy: BatchingPolicy) -> None:
    assert parse_policy(str(policy)) == policy


@pytest.mark.parametrize(
    "text",
    [
        "static:batch=8",
        "dynamic:max_batch=8,max_wait_ms=2",
        "dynamic:max_batch=8,max_wait_ms=0.25,buckets=32/64/128,sizes=1/4/8",
    ],
)
def test_the_usual_spelling_is_the_printed_one(text: str) -> None:
    assert str(parse_policy(text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not of the form"),
        ("greedy:max_batch=8", "is not of the form"),
        ("dynamic", "is not of the form"),
        ("dynamic:max_batch=8", "lacks max_wait_ms"),
        ("static:", "is not understood"),
        ("static:batch=8,max_wait_ms=2", "a static policy has batch, buckets"),
        ("dynamic:max_batch=8,max_batch=9,max_wait_ms=2", "gives max_batch twice"),
        ("dynamic:max_batch=eight,max_wait_ms=2", "'eight' is not a whole number"),
        ("dynamic:max_batch=8,max_wait_ms=soon", "could not convert string to float: 'soon'"),
        ("dynamic:max_batch=8,max_wait_ms=nan", "max_wait_ms"),
        ("dynamic:max_batch=8,max_wait_ms=-1", "greater than or equal to 0"),
        ("dynamic:max_batch=0,max_wait_ms=2", "greater than or equal to 1"),
        ("static:batch=", "'' is not a whole number"),
        ("dynamic:max_batch=8,max_wait_ms=2,buckets=64/32", "64/32 does not go up"),
        ("dynamic:max_batch=8,max_wait_ms=2,buckets=32//64", "'' is not a whole number"),
        ("dynamic:max_batch=8,max_wait_ms=2,sizes=1/4", "must be max_batch=8"),
    ],
)
def test_bad_text_is_refused_with_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_policy(text)

    assert told in str(caught.value)
    assert repr(text) in str(caught.value)


def test_a_query_goes_to_the_smallest_bucket_that_holds_it() -> None:
    policy = parse_policy("dynamic:max_batch=8,max_wait_ms=2,buckets=32/64")

    assert [policy.bucket_of(length) for length in (1, 32, 33, 64)] == [32, 32, 64, 64]
    with pytest.raises(InputError, match="length 65 fits no bucket"):
        policy.bucket_of(65)


def test_padding_goes_to_the_next_size_that_the_program_has() -> None:
    fixed = parse_policy("dynamic:max_batch=8,max_wait_ms=2,sizes=1/4/8")

    assert [fixed.padded_size(n) for n in (1, 2, 4, 5)] == [1, 4, 4, 8]
    assert parse_policy("dynamic:max_batch=8,max_wait_ms=2").padded_size(5) == 5
    assert parse_policy("static:batch=8").padded_size(5) == 8
