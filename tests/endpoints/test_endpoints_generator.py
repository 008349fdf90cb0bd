"""Loads put to a real server on loopback: what is timed, counted, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvloop
from stand_in_server import TOKENS, StandIn, served

from wattmark.endpoints.address import Server
from wattmark.endpoints.arrivals import ClosedLoop, OpenLoop, constant, poisson
from wattmark.endpoints.generator import GONE_AFTER, Generator
from wattmark.endpoints.known_apis import api
from wattmark.endpoints.limits import Limits
from wattmark.endpoints.outcomes import Failure, Load, TokenSource
from wattmark.endpoints.warm_up import Warmed, warm_up


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as found:
        yield found


def load(
    url: str,
    model: str,
    schedule: OpenLoop | ClosedLoop,
    limits: Limits | None = None,
    **options,
) -> Load:
    key_variable = options.pop("key_variable", None)

    async def run() -> Load:
        server = Server(url, key_variable)
        asked = server.http(api("openai").ask(model, "hello"), server.key())
        async with Generator(server, api("openai"), [asked], limits) as generator:
            return await generator.run(schedule, **options)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


@pytest.mark.parametrize(
    "schedule", [poisson(500.0, 60, seed=1), constant(500.0, 60), ClosedLoop(4, 60)], ids=str
)
def test_every_request_is_answered_once_and_its_times_are_in_order(url, schedule) -> None:
    done = load(url, "good", schedule)
    assert sorted(r.index for r in done.requests) == list(range(60))
    for request in done.requests:
        assert request.failure is None
        assert request.first_token_ns is not None and request.sent_ns is not None
        assert request.scheduled_ns <= request.issued_ns <= request.sent_ns
        assert request.sent_ns <= request.first_token_ns <= request.end_ns
        assert len(request.token_times_ns) == request.pieces == TOKENS
        assert (request.tokens_in, request.tokens_out) == (3, TOKENS)
        assert request.token_source is TokenSource.USAGE
    assert set(done.texts.values()) == {"a " * TOKENS}
    assert done.cpu_ns > 0 and done.duration_ns == max(r.end_ns for r in done.requests)


def test_the_first_token_is_not_seen_before_the_server_wrote_it(url) -> None:
    StandIn.times.clear()
    done = load(url, "good", ClosedLoop(1, 20))
    served_ns = [writing - received for received, writing, _ in StandIn.times]
    for request, took_ns in zip(
        sorted(done.requests, key=lambda r: r.index), served_ns, strict=True
    ):
        assert request.first_token_ns - request.issued_ns >= took_ns


def test_an_open_loop_counts_from_the_schedule_however_late_it_is_issued(url) -> None:
    everything_at_once = OpenLoop("burst", constant(1e9, 50).due_ns * 0)
    done = load(url, "good", everything_at_once, Limits(connections=1))
    assert done.connections == 1
    assert all(r.scheduled_ns == 0 and r.latency_ns == r.end_ns for r in done.requests)
    assert len(done.requests) == 50


def test_a_closed_loop_keeps_its_clients_and_their_connections(url) -> None:
    done = load(url, "good", ClosedLoop(3, 30))
    assert done.connections == 3
    ends = {r.end_ns for r in done.requests}
    assert sum(r.scheduled_ns in ends for r in done.requests) == 27


@pytest.mark.parametrize(
    ("model", "failure", "said"),
    [
        ("half-closed", Failure.CLOSED, ""),
        ("malformed", Failure.MALFORMED, "not JSON"),
        ("busy", Failure.RATE_LIMITED, "429: "),
        ("broken", Failure.SERVER_ERROR, "500: "),
        ("nobody", Failure.CLIENT_ERROR, "no model 'nobody'"),
    ],
)
def test_what_a_server_does_wrong_is_counted_and_not_tried_again(url, model, failure, said) -> None:
    done = load(url, model, ClosedLoop(2, 5))
    assert [r.failure for r in done.requests] == [failure] * 5
    assert all(said in r.sentence for r in done.requests)


def test_a_server_that_hangs_mid_token_is_given_up_and_what_came_is_kept(url) -> None:
    done = load(url, "stalls", ClosedLoop(2, 4), Limits(stall_s=0.1))
    assert [r.failure for r in done.requests] == [Failure.STALL_TIMEOUT] * 4
    assert all(len(r.token_times_ns) == 1 for r in done.requests)
    total = load(url, "stalls", ClosedLoop(1, 1), Limits(total_s=0.1))
    assert total.requests[0].failure is Failure.TOTAL_TIMEOUT


def test_a_reply_without_usage_has_no_count_and_one_in_one_piece_has_no_first_token(url) -> None:
    uncounted = load(url, "uncounted", ClosedLoop(1, 1)).requests[0]
    assert (uncounted.tokens_out, uncounted.pieces) == (None, TOKENS)
    whole = load(url, "whole", ClosedLoop(1, 1)).requests[0]
    assert (whole.failure, whole.ttft_ns, whole.tokens_out) == (None, None, TOKENS)


def test_a_server_that_refuses_an_option_is_asked_again_without(url) -> None:
    async def warm(model: str) -> Warmed:
        server, limits = Server(url), Limits()
        return await warm_up(
            server, api("openai", max_tokens=4), model, ["hello"], limits, clients=2, requests=3
        )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        strict, good, nobody = (runner.run(warm(m)) for m in ("strict", "good", "nobody"))
    assert strict.api.left_out == ("stream_options", "temperature")
    assert [r.failure for r in strict.load.requests] == [None] * 3
    assert b"max_tokens" in strict.asks[0] and b"temperature" not in strict.asks[0]
    assert good.api.left_out == ()
    assert nobody.api.left_out == ()  # a 404 is no refusal of an option
    assert "no model" in nobody.load.requests[0].sentence


def test_a_server_that_is_not_there_ends_the_load() -> None:
    done = load("http://127.0.0.1:9", "good", ClosedLoop(1, 10_000))
    assert done.stopped == "server_gone"
    assert [r.failure for r in done.requests] == [Failure.CONNECT] * GONE_AFTER


def test_a_budget_ends_the_issuing_and_the_last_replies_are_waited_for(url) -> None:
    done = load(url, "good", constant(100.0, 10_000), budget_s=0.2)
    assert done.stopped == "budget_ended"
    assert 1 <= len(done.requests) <= 20
    assert all(r.failure is None for r in done.requests)


def test_the_key_is_sent_and_stands_in_no_record(url, monkeypatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-very-secret")
    done = load(url, "broken", ClosedLoop(1, 1), key_variable="A_KEY")
    assert "Authorization: Bearer sk-very-secret" in StandIn.keys
    assert "[key]" in done.requests[0].sentence
    assert "very-secret" not in repr(done)


def test_a_server_that_closes_each_connection_at_once_is_a_failure_and_no_hang() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

        def slam() -> None:
            for _ in range(5):
                door.accept()[0].close()

        thread = threading.Thread(target=slam, daemon=True)
        thread.start()
        done = load(f"http://127.0.0.1:{port}", "good", ClosedLoop(1, 5), Limits(total_s=20.0))
        thread.join(10)
    assert {r.failure for r in done.requests} <= {Failure.CLOSED, Failure.CONNECT}
    assert len(done.requests) == 5


def test_a_connection_that_the_server_closed_between_two_loads_is_not_asked() -> None:
    closing, closed = threading.Event(), threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve_two() -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            closing.wait(30)
            connection.close()
            closed.set()

    async def two_loads() -> list[Failure | None]:
        server = Server(f"http://127.0.0.1:{listening.getsockname()[1]}", None)
        asked = server.http(api("openai").ask("good", "hello"), server.key())
        async with Generator(server, api("openai"), [asked]) as generator:
            first = await generator.run(ClosedLoop(1, 1))
            closing.set()
            closed.wait(30)  # the loop stands, as while meters are read
            second = await generator.run(ClosedLoop(1, 1))
        return [request.failure for request in (*first.requests, *second.requests)]

    thread = threading.Thread(target=serve_two, daemon=True)
    thread.start()
    with listening, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(two_loads()) == [Failure.CLIENT_ERROR, Failure.CLIENT_ERROR]
        thread.join(30)
