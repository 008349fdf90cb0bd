"""Replies as OpenAI-compatible servers in use give them, byte by byte, at times that are known."""

from __future__ import annotations

import gzip
import json
from types import SimpleNamespace
from typing import Any

import pytest

from wattmark.endpoints import connection
from wattmark.endpoints.connection import Connection, Exchange
from wattmark.endpoints.generator import _take_counts
from wattmark.endpoints.known_apis import api
from wattmark.endpoints.outcomes import Failure, Request
from wattmark.endpoints.token_times import (
    AT_ONCE,
    NO_MORE,
    NOT_STREAMED,
    SEVERAL_A_PIECE,
    UNCOUNTED,
    gaps_ns,
    one_token_a_piece,
    tpot_ns,
)

MS = 1_000_000
EVENTS = "text/event-stream"


def event(value: dict[str, Any], start: bytes = b"data: ", end: bytes = b"\n\n") -> bytes:
    return start + json.dumps(value).encode() + end


def delta(**said: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": said, "finish_reason": None}]}


def usage(tokens: Any, prompt: Any = 5, **more: Any) -> dict[str, Any]:
    counts = {"prompt_tokens": prompt, "completion_tokens": tokens}
    return {"choices": [], "usage": counts | more}


FINISH = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
TOKENS = [event(delta(content=f"t{n} ")) for n in range(8)]
USAGE = event(usage(8))
DONE = b"data: [DONE]\n\n"


def read(
    *parts: bytes,
    content_type: str | None = EVENTS,
    headers: str = "",
    status: str = "200 OK",
    pause_ms: int = 20,
    closes: bool = True,
    protocol: str = "openai",
) -> tuple[Request, str]:
    """What becomes of a reply whose parts come ``pause_ms`` apart; the request and its text."""
    clock = SimpleNamespace(now_ns=0)
    ends: list[tuple[int, Failure | None, str]] = []
    transport = SimpleNamespace(
        write=lambda data: None, abort=lambda: None, is_closing=lambda: False
    )
    head = f"HTTP/1.1 {status}\r\n"
    head += f"Content-Type: {content_type}\r\n" if content_type is not None else ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "time", SimpleNamespace(monotonic_ns=lambda: clock.now_ns))
        asked = Connection(
            api(protocol),
            lambda _, exchange, now_ns, failure, said: ends.append((now_ns, failure, said)),
            lambda _: None,
        )
        exchange = Exchange(Request(0, 0, 0))
        asked.connection_made(transport)  # type: ignore[arg-type]
        asked.ask(exchange, b"", 0, kept_times=True)
        asked.data_received(f"{head}{headers}\r\n".encode())
        for part in parts:
            clock.now_ns += pause_ms * MS
            if not ends:
                asked.data_received(part)
        clock.now_ns += pause_ms * MS
        if closes and not ends:
            asked.connection_lost(None)
    request = exchange.request
    ((request.end_ns, request.failure, request.sentence),) = ends
    if request.failure is None:
        _take_counts(request, exchange.reply)
    return request, exchange.reply.text


def tpot_ms(request: Request) -> float:
    found = tpot_ns(request)
    assert not isinstance(found, str), found
    return found / MS


def test_the_last_token_is_not_the_end_of_the_stream() -> None:
    request, text = read(*TOKENS, b": ", b"wait\n\n", b": wait\n\n", USAGE, DONE)
    assert (request.failure, request.tokens_out, request.pieces) == (None, 8, 8)
    assert text == "".join(f"t{n} " for n in range(8))
    assert tpot_ms(request) == 20
    gaps = gaps_ns(request)
    assert not isinstance(gaps, str) and gaps.tolist() == [20 * MS] * 7


def test_a_piece_of_several_tokens_has_no_time_unless_somebody_counted_them() -> None:
    bundled = [event(delta(content="four tokens in one ")), *TOKENS[:4]]
    request, _ = read(*bundled, USAGE, DONE)
    assert tpot_ns(request) == gaps_ns(request) == SEVERAL_A_PIECE
    assert not one_token_a_piece(request) and one_token_a_piece(read(*TOKENS, USAGE, DONE)[0])
    request.first_tokens, request.streamed_tokens = 4, 8  # as a tokenizer says
    assert tpot_ms(request) == 20
    request.streamed_tokens = 4  # of another model
    assert tpot_ns(request) == NO_MORE
    counted = [
        event({**delta(content="x "), "usage": usage(tokens)["usage"]}) for tokens in (4, 5, 6, 8)
    ]
    request, _ = read(*counted, event(FINISH), DONE)
    assert (request.first_tokens, request.tokens_out) == (4, 8)
    assert tpot_ms(request) == 3 * 20 / 4
    assert gaps_ns(request) == SEVERAL_A_PIECE


def test_tokens_that_come_at_once_have_no_time_between_them() -> None:
    request, _ = read(b"".join(TOKENS), USAGE, DONE)
    assert (tpot_ns(request), gaps_ns(request)) == (AT_ONCE, AT_ONCE)
    one, _ = read(event(delta(content="all sixteen")), event(usage(16)), DONE)
    assert (tpot_ns(one), one.tokens_out) == (AT_ONCE, 16)
    halves, _ = read(b"".join(TOKENS[:4]), *TOKENS[4:], USAGE, DONE)
    assert tpot_ms(halves) == 20  # four came with the first, and four after them


def test_the_end_of_the_text_is_a_token_without_a_piece() -> None:
    request, _ = read(*TOKENS, event(FINISH), event(usage(9)), DONE)
    assert request.silent_end and tpot_ms(request) == 20
    gaps = gaps_ns(request)
    assert not isinstance(gaps, str) and len(gaps) == 7


def test_where_pieces_hold_nearly_one_token_each_the_bounds_are_close_enough() -> None:
    many = [event(delta(content="x ")) for _ in range(101)]
    request, _ = read(*many, event(usage(105)), DONE)
    assert tpot_ms(request) == pytest.approx(20, rel=0.05)
    assert not isinstance(gaps_ns(request), str)
    request, _ = read(*many, event(usage(120)), DONE)
    assert tpot_ns(request) == gaps_ns(request) == SEVERAL_A_PIECE
    request, _ = read(*many, event(usage(50)), DONE)
    assert "more pieces than tokens" in str(tpot_ns(request)) and gaps_ns(request) == tpot_ns(
        request
    )


ERRORS = {
    "error": event({"error": {"message": "worker died", "code": 500}}),
    "event": b'event: error\ndata: {"message":"worker died","code":500}\n\n',
    "event, no space": b'event:error\ndata:{"code":500,"message":"worker died"}\n\n',
    "event as text": b"event: error\ndata: 500: worker died\n\n",
    "field": b'error: {"code":500,"message":"worker died"}\n\n',
    "object": event({"object": "error", "message": "worker died", "code": 500}),
    "type": event({"type": "error", "error": {"message": "worker died", "code": 500}}),
    "message alone": event({"message": "worker died", "code": 500}),
    "detail": event({"detail": "worker died", "status": 500}),
    "no field": b'{"error": {"message": "worker died", "code": 500}}\n\n',
    "base_resp": event({"base_resp": {"status_code": 500, "status_msg": "worker died"}}),
    "choice": event({"choices": [{"delta": {}, "error": {"code": 500, "message": "worker died"}}]}),
    "unescaped": b'data: {"error": "500: worker died", "said "so""}\n\n',
    "list": event({"errors": [{"message": "worker died", "code": 500}]}),
}


@pytest.mark.parametrize("said", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("before", [0, 3])
def test_a_stream_that_says_that_it_failed_is_no_valid_reply(said: bytes, before: int) -> None:
    request, _ = read(*TOKENS[:before], said, DONE)
    assert request.failure is Failure.REPORTED and "500: worker died" in request.sentence
    assert request.pieces == before


@pytest.mark.parametrize(
    "reason", ["error", "abort", "network_error", {"type": "abort", "message": "worker died"}]
)
def test_a_reason_to_finish_that_is_none_is_a_failure(reason: Any) -> None:
    end = event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    request, _ = read(*TOKENS, end, USAGE, DONE)
    assert request.failure is Failure.REPORTED
    assert ("worker died" if isinstance(reason, dict) else reason) in request.sentence


def test_a_whole_reply_that_says_that_it_failed_is_a_failure_of_every_protocol() -> None:
    said = json.dumps({"object": "error", "message": "worker died", "code": 500}).encode()
    for protocol in ("openai", "openai-completions", "openai-embeddings", "oip-v2"):
        request, _ = read(said, content_type="application/json", protocol=protocol)
        assert (request.failure, request.sentence) == (Failure.REPORTED, "500: worker died")


@pytest.mark.parametrize(
    "parts",
    [
        [event(delta(reasoning_content="r "))] * 6,
        [event(delta(reasoning="r ", content=None))] * 6,
        [event(delta(content="", reasoning_details=[{"type": "reasoning.text", "text": "r "}]))]
        * 6,
        [event(delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "r "}]}]))]
        * 6,
        [event(delta(content=[{"type": "text", "text": "r "}]))] * 6,
        [event(delta(refusal="r ", content=None))] * 6,
        [event(delta(thinking_blocks=[{"type": "thinking", "thinking": "r "}]))] * 6,
        [event(delta(tool_calls=[{"index": 0, "function": {"arguments": "r "}}]))] * 6,
        [event(delta(function_call={"arguments": "r "}))] * 6,
        [event(delta(audio={"id": "a", "transcript": "r "}))] * 6,
        [event({"choices": [{"index": 0, "text": "r ", "finish_reason": None}]})] * 6,
    ],
    ids=lambda parts: parts[0].decode()[40:80],
)
def test_text_is_seen_wherever_a_delta_holds_it(parts: list[bytes]) -> None:
    first = event(delta(role="assistant", content=""))
    request, text = read(first, *parts, *TOKENS[:2], USAGE, DONE)
    assert request.first_token_ns == 40 * MS
    assert (request.pieces, text) == (8, "r " * 6 + "t0 t1 ")
    assert tpot_ms(request) == 20


def test_what_servers_repeat_is_text_once() -> None:
    twice = delta(reasoning="r ", reasoning_details=[{"type": "reasoning.text", "text": "r "}])
    assert read(event(twice), USAGE, DONE)[1] == "r "


CR = [part.replace(b"\n", b"\r") for part in (*TOKENS, USAGE, DONE)]
TOLERATED: dict[str, list[bytes]] = {
    "CR": CR,
    "CR without [DONE]": CR[:-1],
    "one line feed after [DONE]": [*TOKENS, USAGE, b"data: [DONE]\n"],
    "nothing after [DONE]": [*TOKENS, USAGE, b"data: [DONE]"],
    "a blank after [DONE]": [*TOKENS, USAGE, b"data: [DONE] \n\n"],
    "usage and no [DONE]": [*TOKENS, USAGE],
    "finish_reason and no [DONE]": [*TOKENS, event(FINISH | {"usage": usage(8)["usage"]})],
    "a line an event": [part.replace(b"\n\n", b"\n") for part in (*TOKENS, USAGE, DONE)],
    "more after [DONE]": [*TOKENS, USAGE, DONE, event({"choices": []}), event({"error": None})],
}


@pytest.mark.parametrize("parts", TOLERATED.values(), ids=TOLERATED)
@pytest.mark.parametrize("content_type", [EVENTS, "text/plain; charset=utf-8", None])
def test_streams_that_clients_in_use_understand_are_read(
    parts: list[bytes], content_type: str | None
) -> None:
    request, _ = read(*parts, content_type=content_type)
    assert (request.failure, request.sentence) == (None, "")
    assert (request.first_token_ns, request.tokens_out) == (20 * MS, 8)
    assert tpot_ms(request) == 20


def test_a_compressed_reply_is_unpacked_and_what_cannot_be_is_told() -> None:
    whole = gzip.compress(b"".join([*TOKENS, USAGE, DONE]))
    request, _ = read(whole[:50], whole[50:], headers="Content-Encoding: gzip\r\n")
    assert (request.failure, request.tokens_out) == (None, 8)
    brotli, _ = read(b"\x8b\x03", headers="Content-Encoding: br\r\n")
    assert brotli.failure is Failure.MALFORMED and "compressed its reply by 'br'" in brotli.sentence
    broken, _ = read(b"data: no gzip\n\n", headers="Content-Encoding: gzip\r\n")
    assert "cannot be unpacked" in broken.sentence
    refused, _ = read(
        gzip.compress(b"too long"), status="400 No", headers="Content-Encoding: gzip\r\n"
    )
    assert refused.sentence == "400: too long"


@pytest.mark.parametrize(
    ("parts", "content_type", "told"),
    [
        (TOKENS[:3], EVENTS, "was cut off: it ended without [DONE], a finish_reason or usage"),
        ([], EVENTS, "the reply is empty"),
        ([b"<html>login</html>"], "text/html", "neither JSON nor a stream of events but text/html"),
        ([b'{"a": 1}\n{"a": 2}\n'], "application/x-ndjson", "content type application/x-ndjson"),
        ([b"Service unavailable"], "text/plain", "held no event: b'Service unavailable'"),
    ],
)
def test_what_cannot_be_read_is_named(parts: list[bytes], content_type: str, told: str) -> None:
    request, _ = read(*parts, content_type=content_type)
    assert request.failure is Failure.MALFORMED and told in request.sentence


@pytest.mark.parametrize(
    ("tokens", "more", "told"),
    [
        (-1, {}, "completion_tokens -1, which cannot be"),
        (8.5, {}, "completion_tokens 8.5, which cannot be"),
        (True, {}, "completion_tokens True, which cannot be"),
        ("8", {}, "completion_tokens '8', which cannot be"),
        (float("nan"), {}, "which cannot be"),
        (10**30, {}, "which cannot be"),
        (0, {}, "0 completion_tokens, but there is text"),
        (8, {"total_tokens": 7}, "total_tokens 7"),
    ],
    ids=str,
)
def test_a_count_that_cannot_be_is_left_out_with_its_reason(
    tokens: Any, more: dict[str, Any], told: str
) -> None:
    request, _ = read(*TOKENS, event(usage(tokens, **more)), DONE)
    assert (request.failure, request.tokens_out) == (None, None)
    assert told in request.count_fault
    assert tpot_ns(request) == gaps_ns(request) == request.count_fault


def test_a_count_is_a_number_however_it_is_written_and_an_empty_answer_an_answer() -> None:
    request, _ = read(*TOKENS, event(usage(8.0, 5.0)), DONE)
    assert (request.tokens_in, request.tokens_out) == (5, 8)
    empty, _ = read(event(delta(role="assistant")), event(FINISH), event(usage(0)), DONE)
    assert (empty.failure, empty.tokens_out) == (None, 0)
    later, _ = read(*TOKENS, USAGE, event({**delta(), "usage": None}), DONE)
    assert later.tokens_out == 8
    within, _ = read(
        *TOKENS, event({"choices": [{**FINISH["choices"][0], "usage": usage(8)["usage"]}]}), DONE
    )
    assert within.tokens_out == 8
    renamed, _ = read(*TOKENS, event({"usage": {"input_tokens": 5, "output_tokens": 8}}), DONE)
    assert (renamed.tokens_in, renamed.tokens_out) == (5, 8)
    nobody, _ = read(*TOKENS, DONE)
    assert tpot_ns(nobody) == gaps_ns(nobody) == UNCOUNTED
    no_prompt, _ = read(*TOKENS, event(usage(8, 0)), DONE)
    assert (no_prompt.tokens_in, no_prompt.tokens_out) == (None, 8)


def test_a_reply_of_one_object_is_one_whatever_its_type_and_status() -> None:
    said = {"choices": [{"message": {"content": "hi"}}], **{"usage": usage(8)["usage"]}}
    for status in ("200 OK", "201 Created"):
        for content_type in ("application/json", EVENTS, None):
            request, text = read(
                json.dumps(said).encode(), content_type=content_type, status=status
            )
            assert (request.failure, text, request.tokens_out) == (None, "hi", 8)
            assert tpot_ns(request) == gaps_ns(request) == NOT_STREAMED


def test_hints_before_a_reply_are_none_and_a_redirection_is_told() -> None:
    early = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    request, _ = read(early, *TOKENS, USAGE, DONE, status="103 Early Hints", content_type=None)
    assert (request.failure, request.tokens_out) == (None, 8)
    moved, _ = read(
        status="307 Moved", headers="Location: /v2/chat\r\nContent-Length: 0\r\n", closes=False
    )
    assert moved.failure is Failure.UNEXPECTED_STATUS and "redirects to /v2/chat" in moved.sentence


def test_a_connection_that_breaks_after_the_last_event_has_given_all() -> None:
    chunked = "Transfer-Encoding: chunked\r\n"
    parts = [b"%x\r\n%s\r\n" % (len(part), part) for part in (*TOKENS, USAGE, DONE)]
    assert read(*parts, headers=chunked)[0].failure is None
    assert read(*parts[:-1], headers=chunked)[0].failure is Failure.CLOSED
