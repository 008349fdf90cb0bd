"""What a board takes: so many requests of one client, so many bytes of one request."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from wattmark.board.web import body_limit, rate_limit
from wattmark.board.web.body_limit import BodyLimit
from wattmark.board.web.rate_limit import RateLimit, client_key
from wattmark.errors import RefusedError

MOST = 1000


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = Clock()
    limit = RateLimit(rate_per_s=0.5, burst=3, clock=clock)
    assert [taken(limit, "a") for _ in range(5)] == [True, True, True, False, False]
    clock.now_s += 1
    assert not taken(limit, "a")
    clock.now_s += 1
    assert [taken(limit, "a") for _ in range(2)] == [True, False]


def test_the_refusal_says_when_to_try_again() -> None:
    clock = Clock()
    limit = RateLimit(rate_per_s=0.1, burst=1, clock=clock)
    limit.take("a")
    clock.now_s += 2.5
    with pytest.raises(RefusedError, match="try again in 8 s") as caught:
        limit.take("a")
    assert (caught.value.status, caught.value.code) == (429, "too_many_requests")
    assert caught.value.retry_after_s == 8
    clock.now_s += 8
    limit.take("a")


def test_each_key_has_its_own_bucket() -> None:
    limit = RateLimit(rate_per_s=1, burst=1, clock=Clock())
    assert [taken(limit, key) for key in ("a", "b", "a", "b")] == [True, True, False, False]


def test_a_check_takes_nothing() -> None:
    limit = RateLimit(rate_per_s=1, burst=1, clock=Clock())
    for _ in range(3):
        limit.check("a")
    assert len(limit) == 0
    limit.take("a")
    with pytest.raises(RefusedError):
        limit.check("a")


def test_full_buckets_are_forgotten() -> None:
    clock = Clock()
    limit = RateLimit(rate_per_s=1, burst=10, clock=clock)
    for number in range(500):
        limit.take(f"client {number}")
    assert len(limit) == 500
    clock.now_s += 10
    limit.take("one more")
    assert len(limit) == 1


def test_however_many_clients_there_are_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MOST_BUCKETS", 10)
    limit = RateLimit(rate_per_s=1, burst=1, clock=Clock())
    for number in range(100):
        limit.take(f"client {number}")
    assert len(limit) == 10
    assert not taken(limit, "client 99")


@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5)), max_size=60),
    rate=st.floats(0.1, 5),
    burst=st.integers(1, 5),
)
def test_never_more_than_the_burst_and_the_rate_pass(
    steps: list[tuple[str, float]], rate: float, burst: int
) -> None:
    clock = Clock()
    limit = RateLimit(rate, burst, clock)
    passed: dict[str, list[float]] = {key: [] for key in "abc"}
    for key, wait_s in steps:
        clock.now_s += wait_s
        if taken(limit, key):
            passed[key].append(clock.now_s)
    for times in passed.values():
        for i, start in enumerate(times):
            for j in range(i, len(times)):
                assert j - i + 1 <= burst + (times[j] - start) * rate + 1e-6


def test_threads_share_a_bucket_exactly() -> None:
    limit = RateLimit(rate_per_s=1, burst=100, clock=Clock())
    passed: list[bool] = []
    threads = [
        threading.Thread(target=lambda: passed.extend(taken(limit, "a") for _ in range(50)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (passed.count(True), passed.count(False)) == (100, 300)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("not an address", "not an address"),
    ],
)
def test_a_client_is_an_address_or_an_ipv6_network(address: str, key: str) -> None:
    assert client_key(address) == key


@pytest.mark.parametrize("chunks", [[b"x" * MOST], [b"x" * 999, b"x"], [b""], [b"", b"x", b""]])
def test_a_body_within_the_limit_arrives_whole(chunks: list[bytes]) -> None:
    app = Reader()
    assert answer(app, chunks) == (200, {"bytes": sum(map(len, chunks))})
    assert b"".join(app.seen) == b"".join(chunks)


@pytest.mark.parametrize("length", ["1001", "9" * 18, "9" * 5000])
def test_a_length_over_the_limit_is_refused_before_the_application_is_asked(length: str) -> None:
    app = Reader()
    status, body = answer(app, [b"x"], content_length=length)
    assert (status, body["error"]["code"]) == (413, "too_large")
    assert "1000 bytes" in body["error"]["message"]
    assert not app.called


def test_a_length_that_lies_does_not_help() -> None:
    status, body = answer(Reader(), [b"x" * 600, b"x" * 600], content_length="5")
    assert (status, body["error"]["code"]) == (413, "too_large")


def test_a_stream_is_refused_at_the_chunk_that_is_too_much() -> None:
    app = Reader()
    status, body = answer(app, [b"x" * 400] * 5)
    assert (status, body["error"]["code"]) == (413, "too_large")
    assert app.seen == [b"x" * 400] * 2
    assert app.left


def test_the_reply_is_sent_before_the_rest_is_thrown_away() -> None:
    order: list[str] = []
    answer(Reader(), [b"x" * 1200, b"y", b"z"], order)
    assert order == [
        "receive 1200",
        "http.response.start",
        "http.response.body",
        "receive 1",
        "receive 1",
        "http.response.body",
    ]


def test_an_endless_body_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "LINGER_S", 0.01)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    assert asyncio.run(sent(Reader(), receive))[0]["status"] == 413

    async def silent() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    scope = {"content-length": "2000"}
    assert asyncio.run(sent(Reader(), silent, scope))[-1]["more_body"] is False


def test_who_waits_to_be_told_to_go_on_is_refused_at_once() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("a server that is asked for the body tells the client to send it")

    headers = {"content-length": "2000", "expect": "100-continue"}
    assert asyncio.run(sent(Reader(), receive, headers))[0]["status"] == 413


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip", "\0"])
def test_a_packed_body_is_refused(encoding: str) -> None:
    app = Reader()
    status, body = answer(app, [b"x"], content_encoding=encoding)
    assert (status, body["error"]["code"]) == (415, "unsupported_encoding")
    assert not app.called


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_identity_is_no_packing(encoding: str) -> None:
    assert answer(Reader(), [b"x"], content_encoding=encoding) == (200, {"bytes": 1})


def test_a_response_that_has_begun_just_ends() -> None:
    class Eager(Reader):
        async def read(self, receive, send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await super().read(receive, send)

    messages = asyncio.run(sent(Eager(), replayed([b"x" * 2000])))
    assert messages == [{"type": "http.response.start", "status": 200, "headers": []}]


def test_a_client_that_leaves_is_the_applications_affair() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    app = Reader()
    assert asyncio.run(sent(app, receive)) == []
    assert app.left


def test_what_is_no_request_passes() -> None:
    seen: list[str] = []

    async def app(scope, receive, send) -> None:
        seen.append(scope["type"])

    asyncio.run(BodyLimit(app, MOST)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_over_real_http_a_chunked_body_is_refused_while_it_is_sent(http: str) -> None:
    app, seen = counting_app()
    with serving(app, http) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(20)
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: board\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/json\r\n\r\n"
        )
        for _ in range(3):
            client.sendall(b"190\r\n" + b" " * 400 + b"\r\n")
        reply = until(client, b"}}")
        for _ in range(50):
            client.sendall(b"190\r\n" + b" " * 400 + b"\r\n")
        client.sendall(b"0\r\n\r\n")
        assert client.recv(1000) == b"", "the server closes when the client has ended"
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert json.loads(reply.split(b"\r\n\r\n", 1)[1])["error"]["code"] == "too_large"
    assert sum(seen) <= MOST


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_over_real_http_a_client_that_sends_all_before_it_reads_gets_the_reply(http: str) -> None:
    app, seen = counting_app()
    body = b"x" * 10_000_000
    with serving(app, http) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(20)
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: board\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        assert until(client, b"}}").startswith(b"HTTP/1.1 413 ")
    assert seen == []


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_over_real_http_a_connection_is_good_for_further_requests(http: str) -> None:
    app, seen = counting_app()
    with serving(app, http) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(20)
        for _ in range(2):
            client.sendall(b"POST / HTTP/1.1\r\nHost: board\r\nContent-Length: 1000\r\n\r\n")
            client.sendall(b"x" * 1000)
            assert until(client, b"}").startswith(b"HTTP/1.1 200 ")
    assert sum(seen) == 2000


class Reader:
    """An application that reads the body and says how long it was."""

    def __init__(self) -> None:
        self.called = self.left = False
        self.seen: list[bytes] = []

    async def __call__(self, scope, receive, send) -> None:
        self.called = True
        await self.read(receive, send)

    async def read(self, receive, send) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left = True
                return
            self.seen.append(message["body"])
            more = message["more_body"]
        body = json.dumps({"bytes": sum(map(len, self.seen))}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def replayed(chunks: list[bytes], order: list[str] | None = None) -> Callable[[], Any]:
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        chunk = left.pop(0)
        if order is not None:
            order.append(f"receive {len(chunk)}")
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    return receive


async def sent(
    app: Any,
    receive: Callable[[], Any],
    headers: dict[str, str] | None = None,
    order: list[str] | None = None,
) -> list[dict[str, Any]]:
    """What a server would be given to send."""
    messages: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)
        if order is not None:
            order.append(message["type"])

    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await BodyLimit(app, MOST)({"type": "http", "headers": pairs}, receive, send)
    return messages


def answer(
    app: Any, chunks: list[bytes], order: list[str] | None = None, **headers: str
) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    start, *rest = asyncio.run(sent(app, replayed(chunks, order), named, order))
    return start["status"], json.loads(b"".join(message["body"] for message in rest))


def taken(limit: RateLimit, key: str) -> bool:
    try:
        limit.take(key)
    except RefusedError:
        return False
    return True


def counting_app() -> tuple[FastAPI, list[int]]:
    app, seen = FastAPI(), []

    @app.post("/")
    async def count(request: Request) -> dict[str, int]:
        seen.extend([len(chunk) async for chunk in request.stream()])
        return {"bytes": sum(seen)}

    app.add_middleware(BodyLimit, most_bytes=MOST)
    return app, seen


@contextmanager
def serving(app: FastAPI, http: str) -> Iterator[int]:
    """A real server in a thread: its port."""
    server = uvicorn.Server(uvicorn.Config(app, http=http, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def until(client: socket.socket, end: bytes) -> bytes:
    """What the server says, up to there."""
    got = b""
    while not got.endswith(end):
        piece = client.recv(65536)
        assert piece, f"the server closed after {got!r}"
        got += piece
    return got
