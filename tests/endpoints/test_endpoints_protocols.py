"""What is asked of a server and what is read of its reply, by protocol."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.endpoints.address import Server
from wattmark.endpoints.api import Reply
from wattmark.endpoints.known_apis import api
from wattmark.endpoints.outcomes import MalformedReplyError, Request
from wattmark.endpoints.sse import EventStream
from wattmark.errors import InputError, UnknownNameError

STREAM = (
    b": a comment\r\n\r\n"
    b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n'
    b'data: {"choices": [{"delta": {"content": "gr\xc3\xbc"}}]}\r\n\r\n'
    b'event: message\ndata: {"choices":\ndata: [{"delta": {"content": "n"}}]}\n\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}\n\n'
    b"data: [DONE]\n\n"
)


def read(reader, *chunks: bytes) -> tuple[int, Reply]:
    pieces = sum(reader.feed(chunk) for chunk in chunks)
    return pieces, reader.end()


@settings(derandomize=True)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in itertools.pairwise(edges)]
    pieces, reply = read(api("openai").reader("text/event-stream"), *chunks)
    assert (pieces, reply.text) == (2, "grün")
    assert (reply.tokens_in, reply.tokens_out) == (7, 2)


def test_an_event_without_end_is_refused() -> None:
    stream = EventStream()
    with pytest.raises(MalformedReplyError, match="longer than"):
        for _ in range(6):
            stream.feed(b"x" * (1 << 20))


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (b"data: {broken\n\n", "not JSON"),
        (b"data: [1]\n\n", "not a JSON object"),
        (b'data: {"error": {"message": "overloaded"}}\n\n', "reported an error"),
        (b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n', "without its last event"),
        (b"data: [DONE]\n\n", "held no token"),
        (b'data: {"choices": "none"}\n\n', "not a list"),
    ],
)
def test_a_malformed_stream_says_what_is_wrong(stream: bytes, said: str) -> None:
    with pytest.raises(MalformedReplyError, match=said):
        read(api("openai").reader("text/event-stream"), stream)


def test_a_server_that_does_not_stream_is_read_as_well() -> None:
    whole = {"choices": [{"message": {"content": "hi"}}], "usage": {"completion_tokens": 1}}
    _, reply = read(api("openai").reader("application/json"), json.dumps(whole).encode())
    assert (reply.text, reply.tokens_in, reply.tokens_out) == ("hi", None, 1)


def test_generations_ask_for_a_stream_with_its_usage_and_greedy() -> None:
    chat = api("openai", max_tokens=16).ask("m", "hello")
    body = json.loads(chat.body)
    assert chat.path == "/v1/chat/completions"
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert (body["max_tokens"], body["temperature"]) == (16, 0)
    assert body["stream"] is True and body["stream_options"] == {"include_usage": True}
    assert "stream" not in json.loads(api("openai-completions", stream=False).ask("m", "x").body)


def test_embeddings_are_one_object() -> None:
    embeddings = api("openai-embeddings")
    assert json.loads(embeddings.ask("m", ["a", "b"]).body) == {"model": "m", "input": ["a", "b"]}
    reply = b'{"data": [{"embedding": [1.0]}], "usage": {"prompt_tokens": 3}}'
    assert read(embeddings.reader("application/json"), reply)[1].tokens_in == 3
    with pytest.raises(MalformedReplyError, match="no 'data'"):
        read(embeddings.reader("application/json"), b"{}")


def test_tensors_are_named_with_type_and_shape() -> None:
    arrays = {"ids": np.array([[1, 2]], np.int64), "mask": np.array([[True, False]])}
    ask = api("oip-v2").ask("m", arrays)
    assert ask.path == "/v2/models/m/infer"
    assert json.loads(ask.body)["inputs"] == [
        {"name": "ids", "datatype": "INT64", "shape": [1, 2], "data": [1, 2]},
        {"name": "mask", "datatype": "BOOL", "shape": [1, 2], "data": [True, False]},
    ]


@pytest.mark.parametrize(
    "prompt", [{}, "text", {"x": np.array([np.nan])}, {"x": np.array([1j])}], ids=str
)
def test_what_the_protocol_cannot_say_is_refused(prompt) -> None:
    with pytest.raises(InputError):
        api("oip-v2").ask("m", prompt)


@pytest.mark.parametrize(
    "reply",
    [b"no", b"{}", b'{"outputs": []}', b'{"outputs": [{"name": "y", "shape": [2], "data": [1]}]}'],
)
def test_a_malformed_inference_is_told(reply: bytes) -> None:
    with pytest.raises(MalformedReplyError):
        read(api("oip-v2").reader("application/json"), reply)


def test_an_unknown_protocol_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="oip-v2"):
        api("oip")


def test_times_count_from_the_scheduled_arrival() -> None:
    request = Request(0, 100, 130, first_token_ns=300, end_ns=700, tokens_out=5)
    assert (request.lateness_ns, request.latency_ns) == (30, 600)
    assert (request.ttft_ns, request.tpot_ns) == (200, 100.0)
    assert Request(0, 0, 0, first_token_ns=5, end_ns=9, tokens_out=1).tpot_ns is None


def test_the_key_comes_from_the_environment_and_stands_in_no_text(monkeypatch) -> None:
    monkeypatch.setenv("VENDOR_KEY", "secret-123")
    server = Server("http://127.0.0.1:8000/v1", "VENDOR_KEY")
    sent = server.http(api("openai").ask("m", "hello"), server.key())
    assert sent.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
    assert b"Authorization: Bearer secret-123\r\n" in sent
    assert "secret-123" not in repr(server)
    monkeypatch.setenv("VENDOR_KEY", "secret 123")
    with pytest.raises(InputError) as refused:
        server.key()
    assert "secret" not in str(refused.value)
    monkeypatch.delenv("VENDOR_KEY")
    with pytest.raises(InputError, match="VENDOR_KEY with the key is not set"):
        server.key()


@pytest.mark.parametrize(
    "url", ["ftp://x", "127.0.0.1:8000", "http://user:key@host", "http://host?key=1", "http://a b"]
)
def test_a_url_that_cannot_be_used_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(InputError) as refused:
        Server(url)
    assert "key@" not in str(refused.value)
