"""Which waiting queries leave as a batch, and when: decisions only, without clock or thread.

The time comes in with every call (ns, any clock that does not go back), so that a test can play
through hours. Within a bucket queries leave in the order of their scheduled arrivals, ties in the
order in which they came. Of the batches that may leave, the one whose oldest query arrived first
goes first: a bucket that is passed over grows older until it is the oldest, so none starves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from wattmark.batching.policy import BatchingPolicy
from wattmark.errors import WorkerError


@dataclass(frozen=True, slots=True)
class Waiting:
    """A query that waits: its payload, the caller's token, its number and scheduled arrival."""

    number: int
    arrival_ns: int
    query: object
    token: object


class BatchForming:
    """Queries that wait, by bucket. Not safe for threads: its owner holds a lock."""

    def __init__(self, policy: BatchingPolicy, max_queue: int | None = None) -> None:
        self.policy = policy
        self.max_queue = max_queue
        self.waiting = 0
        self._max_batch = policy.max_batch
        self._max_wait_ns = policy.max_wait_ns
        self._rows: dict[int, deque[Waiting]] = {b: deque() for b in policy.buckets or (0,)}
        self._number = 0

    def offer(self, query: object, token: object, arrival_ns: int, length: int = 0) -> int:
        """Let a query wait, and return its number (0, 1, ... in the order of the calls).

        Raises InputError where no bucket holds ``length``, and WorkerError with reason
        ``queue_full`` where ``max_queue`` queries wait already; both leave everything as it was.
        """
        bucket = self.policy.bucket_of(length)
        if self.max_queue is not None and self.waiting >= self.max_queue:
            raise WorkerError(
                "queue_full",
                f"queue full: {self.waiting} queries wait already (max_queue={self.max_queue}); "
                "send fewer at once, try again later, or allow a longer queue",
            )
        new = Waiting(self._number, arrival_ns, query, token)
        row = self._rows[bucket]
        place = len(row)  # producers may be late: keep the row sorted by scheduled arrival
        while place and row[place - 1].arrival_ns > arrival_ns:
            place -= 1
        if place == len(row):
            row.append(new)
        else:
            row.insert(place, new)
        self._number += 1
        self.waiting += 1
        return new.number

    def due_ns(self, now_ns: int) -> int | None:
        """When the next batch may leave if nothing more comes: at most ``now_ns`` means now.

        None where nothing waits, or where only more queries can fill a batch.
        """
        times = [
            time_ns
            for row in self._rows.values()
            if (time_ns := self._due(row, now_ns)) is not None
        ]
        return min(times, default=None)

    def take(self, now_ns: int, *, all_due: bool = False) -> tuple[int, list[Waiting]] | None:
        """The bucket and the queries of the batch that leaves now, or None where none is due.

        ``all_due`` takes whatever waits, full or not: for draining.
        """
        first: int | None = None
        oldest_ns = 0
        for bucket, row in self._rows.items():
            if not row:
                continue
            due_ns = now_ns if all_due else self._due(row, now_ns)
            if due_ns is None or due_ns > now_ns:
                continue
            if first is None or row[0].arrival_ns < oldest_ns:
                first, oldest_ns = bucket, row[0].arrival_ns
        if first is None:
            return None
        row = self._rows[first]
        batch = [row.popleft() for _ in range(min(len(row), self._max_batch))]
        self.waiting -= len(batch)
        return first, batch

    def cancel(self) -> list[Waiting]:
        """All that waits, taken out, in the order of the numbers."""
        left: Iterable[Waiting] = (entry for row in self._rows.values() for entry in row)
        cancelled = sorted(left, key=lambda entry: entry.number)
        for row in self._rows.values():
            row.clear()
        self.waiting = 0
        return cancelled

    def _due(self, row: deque[Waiting], now_ns: int) -> int | None:
        if len(row) >= self._max_batch:
            return now_ns
        if not row or self._max_wait_ns is None:
            return None
        return row[0].arrival_ns + self._max_wait_ns
