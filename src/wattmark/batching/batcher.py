"""The dynamic batcher: many threads submit queries, one thread answers them in batches.

The decisions are :class:`~wattmark.batching.forming.BatchForming`'s; here are the thread, the
clock and the lock. Whoever submits is told by one call per batch, on the batcher's thread, with
the tokens he gave: no object per query is made to wait on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from wattmark.batching.forming import BatchForming, Waiting
from wattmark.batching.journal import BatchingRecord, Journal
from wattmark.batching.policy import BatchingPolicy
from wattmark.errors import InputError, WorkerError

#: Queries in, as many outputs in the same order out. Padding is its own affair: it knows the
#: policy's ``bucket_of`` and ``padded_size``.
Answer = Callable[[list[Any]], Sequence[Any]]

#: A query handed in this long before its scheduled arrival was scheduled by another clock.
FURTHEST_ARRIVAL_NS = 1_000_000_000


class BatcherState(StrEnum):
    """What a batcher does with a new query: takes it, or refuses it."""

    OPEN = "open"
    DRAINING = "draining"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AnsweredBatch:
    """What the submitters of a batch are told: outputs in the order of ``entries``, or an error.

    ``number`` is None for queries that were cancelled and never ran. Reasons of ``error``:
    ``out_of_memory``, ``batch_failed`` (its ``__cause__`` is what the model raised), ``cancelled``.
    """

    number: int | None
    entries: list[Waiting]
    outputs: Sequence[Any]
    start_ns: int
    end_ns: int
    error: WorkerError | None = None


Told = Callable[[AnsweredBatch], None]


class Batcher:
    """Answers queries in batches by a policy, on a thread of its own; a context manager.

    ``told`` is called once per batch on that thread and should be short; an error it raises is
    kept and raised by :meth:`close`. ``max_queue`` bounds the queries that wait. ``journal=False``
    keeps no record, for servers that run for weeks. ``clock_ns`` is the clock of all times.
    """

    def __init__(
        self,
        policy: BatchingPolicy,
        answer: Answer,
        told: Told,
        *,
        max_queue: int | None = None,
        journal: bool = True,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.policy = policy
        self._answer = answer
        self._told = told
        self._clock_ns = clock_ns
        self._forming = BatchForming(policy, max_queue)
        self._journal = Journal()
        self._keeps_journal = journal
        self._batches = 0
        self._changed = threading.Condition(threading.Lock())
        self._asleep_until_ns: float | None = None
        self._state = BatcherState.OPEN
        self._told_error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="wattmark-batcher", daemon=True)
        self._thread.start()

    @property
    def state(self) -> BatcherState:
        """Open, draining (answers what waits, takes nothing new) or closed."""
        return self._state

    def submit(
        self, query: object, token: object = None, arrival_ns: int | None = None, length: int = 0
    ) -> int:
        """Hand in a query and return its number; ``token`` comes back with its output.

        ``arrival_ns`` is when it was scheduled to arrive, on the batcher's clock (default: now);
        its wait counts from there. ``length`` chooses the bucket. Raises WorkerError with reason
        ``queue_full`` or ``batcher_closed``, and InputError for a length that fits no bucket
        or an arrival of another clock.
        """
        with self._changed:
            if self._state is not BatcherState.OPEN:
                raise WorkerError(
                    "batcher_closed", f"the batcher is {self._state} and takes no new queries"
                )
            now_ns = self._clock_ns()
            if arrival_ns is None:
                arrival_ns = now_ns
            elif arrival_ns > now_ns + FURTHEST_ARRIVAL_NS:
                raise InputError(
                    f"a query was scheduled {(arrival_ns - now_ns) / 1e9:g} s after it was handed "
                    "in: give arrival_ns on the batcher's clock (default: time.monotonic_ns)"
                )
            try:
                number = self._forming.offer(query, token, arrival_ns, length)
            except WorkerError:
                self._journal.rejected += 1
                raise
            if self._asleep_until_ns is not None:
                due_ns = self._forming.due_ns(now_ns)
                if due_ns is not None and due_ns < self._asleep_until_ns:
                    self._asleep_until_ns = None  # one call is enough
                    self._changed.notify()
            return number

    def record(self) -> BatchingRecord:
        """What was recorded so far; a batch that is still running is not in it."""
        with self._changed:
            return self._journal.record()

    def close(self, *, drain: bool = True, timeout_s: float | None = None) -> None:
        """Stop: answer what waits (``drain``) or cancel it, then end the thread.

        A batch that is running is finished in any case. Closing twice does nothing more, but a
        second call may cancel what the first one drains. Raises WorkerError with reason ``hung``
        where the batcher does not end within ``timeout_s``, and what ``told`` raised, if it did.
        """
        with self._changed:
            if self._state is BatcherState.OPEN:
                self._state = BatcherState.DRAINING
            cancelled = [] if drain else self._forming.cancel()
            self._journal.cancelled += len(cancelled)
            self._asleep_until_ns = None
            self._changed.notify()
        self._tell_cancelled(cancelled)
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                raise WorkerError(
                    "hung",
                    f"the batcher did not end within {timeout_s:g} s: the model is still busy with "
                    "a batch, or more waits than fits into this time; close with drain=False",
                )
        error, self._told_error = self._told_error, None
        if error is not None:
            raise error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(drain=error is None)

    def _work(self) -> None:
        try:
            while (taken := self._next()) is not None:
                self._run(*taken)
        finally:
            with self._changed:
                self._state = BatcherState.CLOSED
                cancelled = self._forming.cancel()  # some only where this thread went wrong
                self._journal.cancelled += len(cancelled)
            self._tell_cancelled(cancelled)

    def _next(self) -> tuple[int, list[Waiting]] | None:
        """Wait for the next batch; None where there will be none."""
        with self._changed:
            while True:
                draining = self._state is not BatcherState.OPEN
                now_ns = self._clock_ns()
                taken = self._forming.take(now_ns, all_due=draining)
                if taken is not None or draining:
                    return taken
                due_ns = self._forming.due_ns(now_ns)
                self._asleep_until_ns = float("inf") if due_ns is None else due_ns
                self._changed.wait(None if due_ns is None else (due_ns - now_ns) / 1e9)
                self._asleep_until_ns = None

    def _run(self, bucket: int, entries: list[Waiting]) -> None:
        batch, self._batches = self._batches, self._batches + 1
        error: WorkerError | None = None
        outputs: Sequence[Any] = ()
        start_ns = self._clock_ns()
        try:
            outputs = self._answer([entry.query for entry in entries])
            if len(outputs) != len(entries):
                error = _failure(
                    batch, f"the model gave {len(outputs)} outputs to {len(entries)} queries"
                )
        except BaseException as raised:  # noqa: BLE001 - told to each query; the batcher goes on
            error = _failure_by(raised, batch, len(entries))
        end_ns = self._clock_ns()
        if self._keeps_journal:
            with self._changed:
                self._journal.add(
                    batch,
                    [(entry.number, entry.arrival_ns) for entry in entries],
                    start_ns,
                    end_ns,
                    self.policy.padded_size(len(entries)),
                    bucket,
                    error is not None,
                )
        self._tell(AnsweredBatch(batch, entries, outputs, start_ns, end_ns, error))

    def _tell(self, answered: AnsweredBatch) -> None:
        try:
            self._told(answered)
        except BaseException as error:  # noqa: BLE001 - kept for close(); others' queries go on
            self._told_error = self._told_error or error

    def _tell_cancelled(self, entries: list[Waiting]) -> None:
        if entries:
            now_ns = self._clock_ns()
            error = WorkerError("cancelled", "the batcher was closed before the query ran")
            self._tell(AnsweredBatch(None, entries, (), now_ns, now_ns, error))


def _failure(batch: int, what: str) -> WorkerError:
    return WorkerError("batch_failed", f"batch {batch}: {what}")


def _failure_by(raised: BaseException, batch: int, size: int) -> WorkerError:
    # torch.OutOfMemoryError, jaxlib's and TensorFlow's are no MemoryError: told by their names
    exhausted = ("OutOfMemoryError", "ResourceExhaustedError")
    told = f"{type(raised).__name__}: {raised}".rstrip(": ")
    if isinstance(raised, MemoryError) or type(raised).__name__ in exhausted:
        error = WorkerError(
            "out_of_memory", f"batch {batch} of {size} queries did not fit in memory ({told})"
        )
    else:
        error = _failure(batch, told)
    error.__cause__ = raised
    return error
