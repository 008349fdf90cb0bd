"""One HTTP/1.1 connection to a server: a request at a time, its reply timed as it comes in.

Every chunk is stamped when the loop hands it over, before it is parsed, so that what parsing costs
is not in the time of the token that it holds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import httptools

from wattmark.endpoints.api import Api, Reader, Reply
from wattmark.endpoints.compression import Unpacking
from wattmark.endpoints.outcomes import Failure, MalformedReplyError, ReportedError, Request

#: So much of the body of a refusal is kept for its sentence.
_REFUSAL_BYTES = 500


class Exchange:
    """A request that is under way, and what has been read of its reply.

    ``byte_ns`` is when something of it last came in, on ``time.monotonic_ns``.
    """

    __slots__ = ("byte_ns", "connection", "reply", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.connection: Connection | None = None
        self.byte_ns: int | None = None
        self.reply = Reply()


Done = Callable[["Connection", Exchange, int, Failure | None, str], None]
"""``done(connection, exchange, now_ns, failure, sentence)``; a failed connection is closed."""


class Connection(asyncio.Protocol):
    """Asks one thing after another; ``start_ns`` is where the times of requests count from.

    ``kept_times`` says whether the time of every token is kept.
    """

    def __init__(self, api: Api, done: Done, lost: Callable[[Connection], None]) -> None:
        self._api = api
        self._done = done
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._start_ns = 0
        self._kept_times = True
        self._now_ns = 0
        self._begin_reply()

    def _begin_reply(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self._reader: Reader | None = None
        self._content_type = self._encoding = self._location = ""
        self._unpacking: Unpacking | None = None
        self._delimited = self._until_close = self._complete = self._keep = False
        self._fault: tuple[Failure, str] | None = None
        self._refusal = b""

    @property
    def usable(self) -> bool:
        """Whether it is open and idle."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._exchange is None
        )

    def ask(self, exchange: Exchange, http: bytes, start_ns: int, kept_times: bool) -> None:
        """Write a request."""
        assert self._transport is not None and self._exchange is None
        self._exchange, self._start_ns, self._kept_times = exchange, start_ns, kept_times
        exchange.connection = self
        self._begin_reply()
        exchange.request.sent_ns = time.monotonic_ns() - start_ns
        self._transport.write(http)

    def abandon(self) -> None:
        """Close at once; what was under way hears nothing of it."""
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Some of the reply is there."""
        now_ns = time.monotonic_ns()
        exchange = self._exchange
        if exchange is None:  # something that nobody asked for
            self.abandon()
            return
        exchange.byte_ns = now_ns
        self._now_ns = now_ns
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Failure.MALFORMED, f"not HTTP: {error}")
            return
        except httptools.HttpParserUpgrade:
            self._fail(Failure.MALFORMED, "the server asked for another protocol")
            return
        if self._fault is not None:
            self._fail(*self._fault)
        elif self._complete:
            self._end(keep=self._keep)

    def connection_lost(self, error: Exception | None) -> None:
        """The server has closed, or the connection broke."""
        self._transport = None
        if self._exchange is not None:
            self._now_ns = time.monotonic_ns()
            closed = self._until_close and error is None
            said_all = self._reader is not None and self._reader.finished
            if (closed or said_all) and self._fault is None:
                self._end(keep=False)
            else:
                self._fail(Failure.CLOSED, str(error) if error else "")
        self._lost(self)

    # --- httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of the reply."""
        match name.lower():
            case b"content-type":
                self._content_type = value.decode("latin-1").lower()
            case b"content-encoding":
                self._encoding = value.decode("latin-1").strip().lower()
            case b"location":
                self._location = value.decode("latin-1")
            case b"content-length" | b"transfer-encoding":
                self._delimited = True

    def on_headers_complete(self) -> None:
        """Status and headers are known."""
        assert self._exchange is not None
        status = self._exchange.request.status = int(self._parser.get_status_code())
        if _succeeded(status):
            self._reader = self._api.reader(self._content_type)
        self._until_close = not self._delimited
        if self._encoding not in ("", "identity"):
            try:
                self._unpacking = Unpacking(self._encoding)
            except MalformedReplyError as error:
                self._fault = (Failure.MALFORMED, str(error))

    def on_body(self, body: bytes) -> None:
        """Some of the reply's body."""
        if self._fault is not None:
            return
        try:
            if self._unpacking is not None:
                body = self._unpacking.feed(body)
            if self._reader is None:
                if len(self._refusal) < _REFUSAL_BYTES:
                    self._refusal += body[:_REFUSAL_BYTES]
                return
            pieces = self._reader.feed(body)
        except (MalformedReplyError, ReportedError) as error:
            self._fault = _failed(error)
            return
        if pieces:
            self._note(pieces)

    def _note(self, pieces: int) -> None:
        """Write down that so many pieces with text have come."""
        assert self._exchange is not None
        request, now_ns = self._exchange.request, self._now_ns - self._start_ns
        if request.first_token_ns is None:
            request.first_token_ns = now_ns
        if request.first_token_ns == now_ns:
            request.first_pieces += pieces
        request.last_token_ns = now_ns
        request.pieces += pieces
        if self._kept_times:
            for _ in range(pieces):
                request.token_times_ns.append(now_ns)

    def on_message_complete(self) -> None:
        """The reply is whole."""
        assert self._exchange is not None
        if (self._exchange.request.status or 0) >= 200:  # an interim answer is none
            self._complete = True
            self._keep = bool(self._parser.should_keep_alive())  # it forgets when this returns

    # --- ends

    def _end(self, *, keep: bool) -> None:
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        failure, sentence = _refused(exchange.request.status or 0, self._refusal, self._location)
        if failure is None:
            assert self._reader is not None
            try:
                exchange.reply = self._reader.end()
            except (MalformedReplyError, ReportedError) as error:
                failure, sentence = _failed(error)
        if (not keep or failure is Failure.MALFORMED) and self._transport is not None:
            self._transport.abort()
        self._done(self, exchange, self._now_ns, failure, sentence)

    def _fail(self, failure: Failure, sentence: str) -> None:
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        if self._transport is not None:
            self._transport.abort()
        self._done(self, exchange, self._now_ns, failure, sentence)


def _failed(error: MalformedReplyError | ReportedError) -> tuple[Failure, str]:
    reported = isinstance(error, ReportedError)
    return Failure.REPORTED if reported else Failure.MALFORMED, str(error)


def _succeeded(status: int) -> bool:
    return 200 <= status < 300


def _refused(status: int, body: bytes, location: str) -> tuple[Failure | None, str]:
    if _succeeded(status):
        return None, ""
    said = f"{status}: {body[:_REFUSAL_BYTES].decode('utf-8', 'replace')}".rstrip(": ")
    if location:
        said = f"{said}: it redirects to {location}, so name that server"
    if status == 429:
        return Failure.RATE_LIMITED, said
    if 400 <= status < 500:
        return Failure.CLIENT_ERROR, said
    return (Failure.SERVER_ERROR if status >= 500 else Failure.UNEXPECTED_STATUS), said
