"""The batcher: who is answered with whom, when, and what happens when something goes wrong.

Decisions are tested with a clock that the test moves, threads by what they do and never by time.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.batching.asyncio_batcher import AsyncioBatcher
from wattmark.batching.batcher import AnsweredBatch, Batcher, BatcherState
from wattmark.batching.forming import BatchForming
from wattmark.batching.policy import BatchingPolicy, parse_policy
from wattmark.errors import InputError, WattmarkError, WorkerError

MS = 1_000_000
FULL_ONLY = parse_policy("dynamic:max_batch=2,max_wait_ms=3600000")
AT_ONCE = parse_policy("dynamic:max_batch=8,max_wait_ms=0")
JOIN_S = 30.0  # only a broken batcher takes this long


def numbers(taken: tuple[int, list[Any]] | None) -> list[int] | None:
    return None if taken is None else [entry.number for entry in taken[1]]


def test_a_batch_leaves_when_it_is_full_or_its_oldest_query_has_waited_enough() -> None:
    forming = BatchForming(parse_policy("dynamic:max_batch=3,max_wait_ms=2"))
    forming.offer("a", None, arrival_ns=0)
    forming.offer("b", None, arrival_ns=1 * MS)

    assert forming.take(2 * MS - 1) is None
    assert forming.due_ns(2 * MS - 1) == 2 * MS
    assert numbers(forming.take(2 * MS)) == [0, 1]

    for _ in range(4):
        forming.offer("c", None, arrival_ns=3 * MS)
    assert numbers(forming.take(3 * MS)) == [2, 3, 4]
    assert numbers(forming.take(3 * MS)) is None


def test_the_wait_counts_from_the_scheduled_arrival_and_the_late_submitted_goes_first() -> None:
    forming = BatchForming(parse_policy("dynamic:max_batch=8,max_wait_ms=2"))
    forming.offer("on time", None, arrival_ns=10 * MS)
    forming.offer("handed in late", None, arrival_ns=9 * MS)

    assert forming.due_ns(10 * MS) == 11 * MS
    taken = forming.take(11 * MS)
    assert taken is not None
    assert [entry.query for entry in taken[1]] == ["handed in late", "on time"]


def test_a_static_batch_waits_for_the_last_query_and_draining_takes_the_rest() -> None:
    forming = BatchForming(parse_policy("static:batch=2"))
    forming.offer("a", None, arrival_ns=0)

    assert forming.due_ns(10**15) is None
    assert forming.take(10**15) is None
    assert numbers(forming.take(10**15, all_due=True)) == [0]


def test_a_bucket_that_is_always_full_does_not_starve_another() -> None:
    forming = BatchForming(parse_policy("dynamic:max_batch=2,max_wait_ms=2,buckets=8/16"))
    forming.offer("long", None, arrival_ns=0, length=16)
    served: list[int] = []
    for now_ms in range(5):  # two short queries in each ms: a full batch every time
        for _ in range(2):
            forming.offer("short", None, now_ms * MS, length=8)
        taken = forming.take(now_ms * MS)
        assert taken is not None
        served.append(taken[0])

    assert served == [8, 8, 16, 8, 8]


def test_a_full_queue_refuses_and_forgets_nothing() -> None:
    forming = BatchForming(AT_ONCE, max_queue=2)
    forming.offer("a", None, 0)
    forming.offer("b", None, 0)

    with pytest.raises(WorkerError, match=r"queue full: 2 .*max_queue=2") as caught:
        forming.offer("c", None, 0)

    assert caught.value.reason == "queue_full"
    assert numbers(forming.take(0)) == [0, 1]
    assert forming.offer("c", None, 0) == 2


@st.composite
def policies(draw: st.DrawFn) -> BatchingPolicy:
    return BatchingPolicy(
        kind="dynamic",
        max_batch=draw(st.integers(1, 5)),
        max_wait_ms=draw(st.integers(0, 20)),
        buckets=draw(st.sampled_from([(), (10,), (3, 10)])),
    )


@settings(derandomize=True, deadline=None)
@given(
    policies(),
    st.lists(
        st.tuples(
            st.integers(0, 10),  # ms until the next query is handed in
            st.integers(0, 5),  # ms that it is handed in after its scheduled arrival
            st.integers(0, 10),  # its length
            st.integers(0, 30),  # ms that a batch takes which starts with it
        ),
        max_size=40,
    ),
)
def test_no_query_is_lost_doubled_or_kept_waiting(
    policy: BatchingPolicy, events: list[tuple[int, int, int, int]]
) -> None:
    """A consumer with a clock of its own plays the events through."""
    forming = BatchForming(policy)
    assert policy.max_wait_ns is not None
    pending, at_ms = [], 100
    for gap_ms, late_ms, length, service_ms in events:
        at_ms += gap_ms
        pending.append((at_ms * MS, (at_ms - late_ms) * MS, length, service_ms * MS))
    handed_in = dict(enumerate(pending))
    batches: list[tuple[int, int, list[Any], int]] = []
    now_ns = free_since_ns = 0
    while pending or forming.waiting:
        while pending and pending[0][0] <= now_ns:
            _, arrival_ns, length, service_ns = pending.pop(0)
            forming.offer(service_ns, None, arrival_ns, length)
        if (taken := forming.take(now_ns)) is not None:
            batches.append((now_ns, taken[0], taken[1], free_since_ns))
            now_ns += taken[1][0].query
            free_since_ns = now_ns
            continue
        due_ns = forming.due_ns(now_ns)
        assert due_ns is None or due_ns > now_ns
        steps = [t for t in (due_ns, pending[0][0] if pending else None) if t is not None]
        now_ns = min(steps)

    order = [entry.number for _, _, entries, _ in batches for entry in entries]
    assert sorted(order) == list(range(len(events)))  # none lost, none doubled
    by_bucket: defaultdict[int, list[int]] = defaultdict(list)
    for start_ns, bucket, entries, free_since_ns in batches:
        assert 1 <= len(entries) <= policy.max_batch
        arrivals = [entry.arrival_ns for entry in entries]
        assert arrivals == sorted(arrivals)
        for entry in entries:
            came_ns, arrival_ns, length, _ = handed_in[entry.number]
            assert entry.arrival_ns == arrival_ns
            assert policy.bucket_of(length) == bucket
            by_bucket[bucket].append(entry.number)
            # free all the time since it could have left: then it has left in time
            latest_ns = max(came_ns, arrival_ns + policy.max_wait_ns)
            assert start_ns <= max(latest_ns, free_since_ns)
        full = len(entries) == policy.max_batch
        assert full or start_ns >= entries[0].arrival_ns + policy.max_wait_ns  # none too early
    if all(late == 0 for _, late, _, _ in events):
        assert all(row == sorted(row) for row in by_bucket.values())  # first in, first out


class Model:
    """Doubles numbers; waits at ``gate`` before each batch, and raises what it is given."""

    def __init__(self, *, open_gate: bool = True) -> None:
        self.gate = threading.Event()
        self.busy = threading.Event()
        self.batches: list[list[Any]] = []
        if open_gate:
            self.gate.set()

    def __call__(self, queries: list[Any]) -> Sequence[Any]:
        self.busy.set()
        assert self.gate.wait(JOIN_S)
        self.batches.append(queries)
        for query in queries:
            if isinstance(query, BaseException):
                raise query
        return [2 * query for query in queries]


class Told:
    """Keeps what each token was told."""

    def __init__(self) -> None:
        self.outputs: dict[Any, Any] = {}
        self.errors: dict[Any, WattmarkError] = {}

    def __call__(self, answered: AnsweredBatch) -> None:
        for row, entry in enumerate(answered.entries):
            assert entry.token not in self.outputs and entry.token not in self.errors
            if answered.error is None:
                self.outputs[entry.token] = answered.outputs[row]
            else:
                self.errors[entry.token] = answered.error


def test_many_producers_each_get_the_answers_to_their_own_queries() -> None:
    told, model = Told(), Model()
    policy = parse_policy("dynamic:max_batch=8,max_wait_ms=0.1")
    with Batcher(policy, model, told) as batcher:

        def produce(producer: int) -> None:
            for i in range(200):
                batcher.submit(1000 * producer + i, token=(producer, i))

        threads = [threading.Thread(target=produce, args=(p,)) for p in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(JOIN_S)

    assert told.outputs == {(p, i): 2 * (1000 * p + i) for p in range(4) for i in range(200)}
    assert max(map(len, model.batches)) <= 8
    record = batcher.record()
    assert record.number.tolist() == list(range(800))
    assert record.batch_size.sum() == 800
    assert batcher.state is BatcherState.CLOSED


def test_what_comes_while_a_batch_runs_leaves_together_when_it_ends() -> None:
    told, model = Told(), Model(open_gate=False)
    with Batcher(AT_ONCE, model, told) as batcher:
        batcher.submit(1, token=1)
        assert model.busy.wait(JOIN_S)
        for i in (2, 3, 4):
            batcher.submit(i, token=i)
        model.gate.set()

    assert model.batches == [[1], [2, 3, 4]]


def test_the_record_holds_arrival_start_and_completion_of_every_query() -> None:
    clock = iter(range(10 * MS, 10**12, MS))
    told = Told()
    policy = parse_policy("static:batch=2")
    batcher = Batcher(policy, Model(), told, clock_ns=lambda: next(clock))
    for arrival_ms in (5, 7, 6):
        batcher.submit(arrival_ms, token=arrival_ms, arrival_ns=arrival_ms * MS)
    batcher.close()
    record = batcher.record()

    assert record.arrival_ns.tolist() == [5 * MS, 7 * MS, 6 * MS]
    assert record.batch_size.tolist() == [2, 1]
    assert record.batch_padded_size.tolist() == [2, 2]
    assert record.batch_bucket.tolist() == [0, 0]
    assert (record.batch_end_ns - record.batch_start_ns).tolist() == [MS, MS]
    np.testing.assert_array_equal(record.start_ns, record.batch_start_ns[record.batch])
    np.testing.assert_array_equal(record.completion_ns, record.start_ns + MS)
    assert not record.failed.any()


@pytest.mark.parametrize(
    ("raised", "reason", "words"),
    [
        (ValueError("bad shape"), "batch_failed", "batch 0: ValueError: bad shape"),
        (MemoryError(), "out_of_memory", "batch 0 of 2 queries did not fit in memory"),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA"), "out_of_memory", "CUDA"),
        (SystemExit(3), "batch_failed", "SystemExit: 3"),
    ],
)
def test_a_failing_batch_fails_its_queries_only(
    raised: BaseException, reason: str, words: str
) -> None:
    told = Told()
    with Batcher(FULL_ONLY, Model(), told) as batcher:
        for token, query in enumerate([1, raised, 2, 3]):
            batcher.submit(query, token)

    assert told.outputs == {2: 4, 3: 6}
    assert {token: error.reason for token, error in told.errors.items()} == {0: reason, 1: reason}
    assert words in str(told.errors[0])
    assert told.errors[0].__cause__ is raised
    assert batcher.record().failed.tolist() == [True, True, False, False]


def test_a_model_that_gives_too_few_outputs_fails_the_batch() -> None:
    told = Told()
    with Batcher(FULL_ONLY, lambda queries: queries[:1], told) as batcher:
        batcher.submit(1, token=1)
        batcher.submit(2, token=2)

    assert "1 outputs to 2 queries" in str(told.errors[2])
    assert not told.outputs


def test_closing_drains_or_cancels_and_then_nothing_is_taken() -> None:
    drained, cancelled = Told(), Told()
    draining = Batcher(FULL_ONLY, Model(), drained)
    draining.submit(1, token=1)
    draining.close()
    cancelling = Batcher(FULL_ONLY, Model(), cancelled)
    cancelling.submit(1, token=1)
    cancelling.close(drain=False)

    assert drained.outputs == {1: 2}
    assert cancelled.errors[1].reason == "cancelled"
    assert cancelling.record().cancelled == 1
    assert len(cancelling.record().number) == 0
    with pytest.raises(WorkerError, match="the batcher is closed") as caught:
        draining.submit(2)
    assert caught.value.reason == "batcher_closed"


def test_a_model_that_hangs_does_not_hang_close() -> None:
    told, model = Told(), Model(open_gate=False)
    batcher = Batcher(AT_ONCE, model, told)
    batcher.submit(1, token=1)
    assert model.busy.wait(JOIN_S)

    with pytest.raises(WorkerError, match="did not end within") as caught:
        batcher.close(timeout_s=0.01)

    assert caught.value.reason == "hung"
    assert batcher.state is BatcherState.DRAINING
    model.gate.set()
    batcher.close()
    assert told.outputs == {1: 2}


def test_an_error_of_the_callback_is_raised_by_close_and_others_are_told() -> None:
    seen: list[int] = []

    def told(answered: AnsweredBatch) -> None:
        seen.extend(entry.number for entry in answered.entries)
        if len(seen) == 2:
            raise KeyError("no such token")

    batcher = Batcher(FULL_ONLY, Model(), told)
    for query in range(4):
        batcher.submit(query)

    with pytest.raises(KeyError, match="no such token"):
        batcher.close()
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("submit", "error", "words"),
    [
        (lambda b: b.submit(1, length=9), InputError, "length 9 fits no bucket"),
        (lambda b: b.submit(1, arrival_ns=10**30), InputError, "on the batcher's clock"),
    ],
)
def test_what_cannot_be_batched_is_refused(
    submit: Callable[[Batcher], int], error: type[WattmarkError], words: str
) -> None:
    policy = parse_policy("dynamic:max_batch=2,max_wait_ms=1,buckets=8")
    with Batcher(policy, Model(), Told()) as batcher, pytest.raises(error, match=words):
        submit(batcher)


def test_asyncio_awaits_outputs_and_errors() -> None:
    async def main() -> tuple[list[Any], list[Any]]:
        batcher = AsyncioBatcher(FULL_ONLY, Model(), max_queue=100)
        good = await asyncio.gather(batcher.ask(1), batcher.ask(2))
        bad = await asyncio.gather(
            batcher.ask(1), batcher.ask(ValueError("bad")), return_exceptions=True
        )
        dropped = asyncio.ensure_future(batcher.ask(1))
        await asyncio.sleep(0)
        dropped.cancel()
        alone = asyncio.ensure_future(batcher.ask(5))
        await asyncio.sleep(0)
        await batcher.close()
        assert await alone == 10
        assert dropped.cancelled()
        return good, bad

    good, bad = asyncio.run(main())

    assert good == [2, 4]
    assert all(isinstance(e, WorkerError) and e.reason == "batch_failed" for e in bad)
    assert bad[0] is not bad[1]
