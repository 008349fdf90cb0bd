"""The dynamic batcher for asyncio: ``await`` an output. The event loop hears once per batch."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from wattmark.batching.batcher import Answer, AnsweredBatch, Batcher
from wattmark.batching.policy import BatchingPolicy
from wattmark.errors import WorkerError


class AsyncioBatcher:
    """A :class:`Batcher` whose queries are awaited on the event loop it was made on."""

    def __init__(
        self,
        policy: BatchingPolicy,
        answer: Answer,
        *,
        max_queue: int | None = None,
        journal: bool = False,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.batcher = Batcher(policy, answer, self._told, max_queue=max_queue, journal=journal)

    async def ask(self, query: object, length: int = 0, arrival_ns: int | None = None) -> Any:
        """The output for one query. Raises what :meth:`Batcher.submit` raises, and the WorkerError
        of its batch. Cancelling the task drops the output; the query still runs."""
        future: asyncio.Future[Any] = self._loop.create_future()
        arrival_ns = time.monotonic_ns() if arrival_ns is None else arrival_ns
        self.batcher.submit(query, future, arrival_ns, length)
        return await future

    async def close(self, *, drain: bool = True, timeout_s: float | None = None) -> None:
        """Like :meth:`Batcher.close`; the loop goes on meanwhile."""

        def close() -> None:
            self.batcher.close(drain=drain, timeout_s=timeout_s)

        await asyncio.to_thread(close)

    def _told(self, answered: AnsweredBatch) -> None:
        self._loop.call_soon_threadsafe(_deliver, answered)


def _deliver(answered: AnsweredBatch) -> None:
    error = answered.error
    for row, entry in enumerate(answered.entries):
        future = entry.token
        assert isinstance(future, asyncio.Future)
        if future.done():
            continue
        if error is None:
            future.set_result(answered.outputs[row])
        else:  # one exception object each: several tasks must not share a traceback
            own = WorkerError(error.reason, str(error))
            own.__cause__ = error.__cause__
            future.set_exception(own)
