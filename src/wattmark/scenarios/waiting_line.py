"""Where LoadGen's samples wait for the thread that answers, and what of them is answered next."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wattmark.batching.forming import BatchForming
from wattmark.batching.policy import BatchingPolicy


@dataclass(frozen=True, slots=True)
class Sample:
    """A query's number, LoadGen's id of it, its place in the order of issue, when it came."""

    number: int
    ident: int
    at: int
    arrived_ns: int


class WaitingLine:
    """One thread puts samples in, another takes out what is answered together.

    With a policy these are batches, of one ``bucket`` each; without, what was issued together.
    """

    def __init__(self, policy: BatchingPolicy | None, bucket: Callable[[int], int]) -> None:
        self._policy = policy
        self._bucket = bucket
        self._line: queue.SimpleQueue[Sequence[Sample] | None] = queue.SimpleQueue()

    def put(self, samples: Sequence[Sample]) -> None:
        """Samples that were issued together."""
        self._line.put(samples)

    def no_more(self) -> None:
        """All were issued: a batch that is not full need not wait any longer."""
        self._line.put(())

    def end(self) -> None:
        """All were answered."""
        self._line.put(None)

    def together(self) -> Iterator[Sequence[Sample]]:
        """What is to be answered next, until the end."""
        if self._policy is None:
            while (samples := self._line.get()) is not None:
                yield samples
            return
        forming, all_due = BatchForming(self._policy), False
        while True:
            try:
                samples = self._line.get(timeout=_seconds_left(forming))
            except queue.Empty:
                pass
            else:
                if samples is None:
                    return
                all_due = all_due or not samples
                for sample in samples:
                    forming.offer(sample, None, sample.arrived_ns, self._bucket(sample.number))
                if not self._line.empty():
                    continue
            while taken := forming.take(time.monotonic_ns(), all_due=all_due):
                yield [waiting.query for waiting in taken[1]]  # type: ignore[misc]
                if not self._line.empty():
                    break


def _seconds_left(forming: BatchForming) -> float | None:
    """Until the next batch is due; None where only further samples can make one so."""
    now_ns = time.monotonic_ns()
    due_ns = forming.due_ns(now_ns)
    return None if due_ns is None else max(0, due_ns - now_ns) / 1e9
