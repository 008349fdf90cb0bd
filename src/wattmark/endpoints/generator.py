"""The load generator: puts requests to a server by a schedule, and writes down what became of them.

One thread, one event loop. An open loop issues by the clock whatever the server does; a latency
counts from the scheduled arrival, and how late the generator itself was stands beside it. Nothing
is retried. Limits of time are looked at every 50 ms, so a request may outlive one by as much.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from wattmark.endpoints.address import Server
from wattmark.endpoints.alarm import Alarm
from wattmark.endpoints.api import Api, Reply
from wattmark.endpoints.arrivals import ClosedLoop, OpenLoop
from wattmark.endpoints.connection import Connection, Exchange
from wattmark.endpoints.limits import Limits, overdue
from wattmark.endpoints.outcomes import Failure, Load, Request, TokenSource

_LOOK_S = 0.05
#: Token times that are kept in memory, over all requests (8 bytes each).
KEPT_TOKEN_TIMES = 4_000_000
#: So many failures to connect, one after another, end a load: the server has gone.
GONE_AFTER = 50


class Generator:
    """Sends loads to one server over connections that it keeps; an async context manager.

    ``asks`` are whole HTTP requests, asked in turn. Belongs to the running event loop.
    """

    def __init__(
        self, server: Server, api: Api, asks: Sequence[bytes], limits: Limits | None = None
    ) -> None:
        self._server, self._api, self._asks = server, api, asks
        self._limits = limits or Limits()
        self._loop = asyncio.get_running_loop()
        self._secret = server.key()
        self._tls = server.tls()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening: dict[Exchange, asyncio.Task[None]] = {}
        self._active: set[Exchange] = set()
        self._waiting: deque[Exchange] = deque()
        self._alarm = Alarm(self._loop, self._issue_due)
        self._load: Load | None = None
        self._schedule: OpenLoop | ClosedLoop | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._alarm.close()
        for task in self._opening.values():
            task.cancel()
        for connection in list(self._open):
            connection.abandon()
        await asyncio.sleep(0)

    async def run(
        self,
        schedule: OpenLoop | ClosedLoop,
        *,
        budget_s: float | None = None,
        watch: Callable[[int, int], None] | None = None,
    ) -> Load:
        """Send a load and wait for its last reply; Ctrl-C ends it early with what there is.

        After ``budget_s`` nothing more is issued. ``watch(done, planned)`` is called now and then.
        """
        await asyncio.sleep(0)  # hear which connections the server closed while the loop stood
        load = self._load = Load(schedule.name, schedule.count)
        self._schedule = schedule
        self._stopping = False
        self._next = 0
        self._gone = 0
        self._kept_times = 0
        self._end_ns = None if budget_s is None else round(budget_s * 1e9)
        self._finished = self._loop.create_future()
        with _collector_off(), self._heeding_ctrl_c():
            cpu_ns = time.thread_time_ns()
            self._start_ns = time.monotonic_ns()
            if isinstance(schedule, OpenLoop):
                self._due_ns = schedule.due_ns.tolist()
                self._alarm.set(self._start_ns + self._due_ns[0])
            else:
                for _ in range(min(schedule.concurrency, schedule.count)):
                    self._issue(0)
            looking = self._loop.create_task(self._look(watch))
            try:
                await self._finished
            finally:
                looking.cancel()
            load.cpu_ns = time.thread_time_ns() - cpu_ns
        load.duration_ns = max((r.end_ns for r in load.requests), default=0)
        return load

    # --- issuing

    def _issue_due(self) -> None:
        if self._stopping:
            return
        start_ns, due_ns = self._start_ns, self._due_ns
        while self._next < len(due_ns):
            due = due_ns[self._next]
            if start_ns + due > time.monotonic_ns():
                self._alarm.set(start_ns + due)
                return
            if self._end_ns is not None and due >= self._end_ns:
                self._stop("budget_ended")
                return
            self._issue(due)

    def _issue(self, scheduled_ns: int) -> None:
        request = Request(self._next, scheduled_ns, time.monotonic_ns() - self._start_ns)
        self._next += 1
        exchange = Exchange(request)
        self._active.add(exchange)
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                self._ask(connection, exchange)
                return
        if len(self._open) + len(self._opening) >= self._limits.connections:
            self._waiting.append(exchange)
            return
        self._opening[exchange] = self._loop.create_task(self._connect(exchange))

    def _ask(self, connection: Connection, exchange: Exchange) -> None:
        http = self._asks[exchange.request.index % len(self._asks)]
        keep = self._kept_times < KEPT_TOKEN_TIMES
        connection.ask(exchange, http, self._start_ns, keep)

    async def _connect(self, exchange: Exchange) -> None:
        server = self._server
        try:
            _, connection = await self._loop.create_connection(
                lambda: Connection(self._api, self._done, self._lost),
                server.host,
                server.port,
                ssl=self._tls,
            )
        except (OSError, ValueError) as error:  # a host that is no name gives a ValueError
            del self._opening[exchange]
            self._close(exchange, time.monotonic_ns(), Failure.CONNECT, str(error))
            self._open_for_waiting()
            return
        del self._opening[exchange]
        if not connection.usable:  # closed as soon as it was open
            self._close(exchange, time.monotonic_ns(), Failure.CLOSED, "")
            self._open_for_waiting()
            return
        self._open.add(connection)
        assert self._load is not None
        self._load.connections += 1
        self._ask(connection, exchange)

    # --- ends

    def _done(
        self,
        connection: Connection,
        exchange: Exchange,
        now_ns: int,
        failure: Failure | None,
        sentence: str,
    ) -> None:
        if connection.usable:
            while self._waiting:
                waiting = self._waiting.popleft()
                if waiting in self._active:
                    self._ask(connection, waiting)
                    break
            else:
                self._idle.append(connection)
        self._close(exchange, now_ns, failure, sentence)

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._open_for_waiting()

    def _open_for_waiting(self) -> None:
        while self._waiting and len(self._open) + len(self._opening) < self._limits.connections:
            waiting = self._waiting.popleft()
            if waiting in self._active:
                self._opening[waiting] = self._loop.create_task(self._connect(waiting))

    def _close(
        self, exchange: Exchange, now_ns: int, failure: Failure | None, sentence: str
    ) -> None:
        if exchange not in self._active:
            return
        self._active.discard(exchange)
        load, request = self._load, exchange.request
        assert load is not None
        request.end_ns = now_ns - self._start_ns
        request.failure = failure
        if failure is not None:
            request.sentence = self._without_secret(sentence)
        else:
            _take_counts(request, exchange.reply)
            load.texts[request.index] = exchange.reply.text
            load.first_texts[request.index] = "".join(exchange.reply.texts[: request.first_pieces])
            self._kept_times += len(request.token_times_ns)
        load.requests.append(request)
        self._gone = self._gone + 1 if failure is Failure.CONNECT else 0
        if self._gone >= GONE_AFTER and not self._stopping:
            self._stop("server_gone")
        self._go_on(request.end_ns)

    def _go_on(self, end_ns: int) -> None:
        """After an end: the next of a closed loop, or the end of the load."""
        schedule = self._schedule
        assert schedule is not None
        if not self._stopping and isinstance(schedule, ClosedLoop) and self._next < schedule.count:
            if self._end_ns is not None and end_ns >= self._end_ns:
                self._stop("budget_ended")
            else:
                self._issue(end_ns)
        everything = self._stopping or self._next >= schedule.count
        if everything and not self._active and not self._finished.done():
            self._finished.set_result(None)

    def _stop(self, why: str) -> None:
        """Issue no more; what is under way may still end."""
        assert self._load is not None
        self._stopping = True
        self._load.stopped = self._load.stopped or why
        if not self._active and not self._finished.done():
            self._finished.set_result(None)

    def _cut(self) -> None:
        """Ctrl-C: end at once, with what there is."""
        self._stop("interrupted")
        for exchange in list(self._active):
            self._give_up(exchange, time.monotonic_ns(), Failure.CUT_OFF)

    def _give_up(self, exchange: Exchange, now_ns: int, failure: Failure) -> None:
        if (task := self._opening.pop(exchange, None)) is not None:
            task.cancel()
        if exchange.connection is not None:
            exchange.connection.abandon()
        self._close(exchange, now_ns, failure, "")

    def _without_secret(self, sentence: str) -> str:
        return sentence.replace(self._secret, "[key]") if self._secret else sentence

    # --- limits

    async def _look(self, watch: Callable[[int, int], None] | None) -> None:
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_S)
            now_ns = time.monotonic_ns()
            for exchange in list(self._active):
                failure = overdue(
                    exchange,
                    now_ns - self._start_ns,
                    self._start_ns,
                    self._limits,
                    connecting=exchange in self._opening,
                )
                if failure is not None:
                    self._give_up(exchange, now_ns, failure)
            looks += 1
            if watch is not None and looks % 10 == 0 and self._load is not None:
                watch(len(self._load.requests), self._load.planned)

    @contextmanager
    def _heeding_ctrl_c(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._loop.add_signal_handler(signal.SIGINT, self._cut)
        try:
            yield
        finally:
            self._loop.remove_signal_handler(signal.SIGINT)


def _take_counts(request: Request, reply: Reply) -> None:
    """What the server said of the tokens of a valid reply."""
    request.tokens_in, request.tokens_out = reply.tokens_in, reply.tokens_out
    request.silent_end, request.count_fault = reply.silent_end, reply.count_fault
    if request.tokens_out is not None:
        request.token_source = TokenSource.USAGE
    if reply.counts and request.first_pieces:
        request.first_tokens = reply.counts[request.first_pieces - 1]
        request.streamed_tokens = reply.counts[-1]


@contextmanager
def _collector_off() -> Iterator[None]:
    """A collection would stop the loop for milliseconds."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
