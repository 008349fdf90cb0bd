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
        (b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n', "was cut off"),
        (b"data: [DONE]\n\n", "held no token"),
        (b'data: {"choices": "none"}\n\n', "not a list"),
    ],
)
def test_a_malformed_stream_says_what_is_wrong(stream: bytes, said: str) -> None:
    with pytest.raises(MalformedReplyError, match=said):
        read(api("openai").reader("text/event-stream"), stream)


def test_no_more_than_a_line_is_waited_for() -> None:
    """A CR ends a line at once, and an object that is whole is not held for its empty line."""
    stream = EventStream()
    assert [e.data for e in stream.feed(b'data: {"a": 1}\r\r')] == [b'{"a": 1}']
    assert [e.data for e in stream.feed(b'\ndata: {"b": 2}\n')] == [b'{"b": 2}']
    assert [e.data for e in stream.feed(b'data: {"c": 3}\ndata: [DONE]\n')] == [b'{"c": 3}']
    assert [e.data for e in stream.end()] == [b"[DONE]"]
    lines = EventStream()
    assert lines.feed(b'data: {"a":\r') == []
    assert [e.data for e in lines.feed(b"\ndata: 1}\r\n\r\n")] == [b'{"a":\n1}']


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
    assert request.ttft_ns == 200


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/openai", "/openai/v1/chat/completions"),
        ("/openai/v1", "/openai/v1/chat/completions"),
        ("/v3", "/v3/chat/completions"),
        ("/api/paas/v4", "/api/paas/v4/chat/completions"),
        ("/v1beta/openai", "/v1beta/openai/chat/completions"),
        ("/vllm", "/vllm/v1/chat/completions"),
        ("/chat/completions", "/chat/completions"),
        ("/inference/chat/completions", "/inference/chat/completions"),
    ],
)
def test_a_base_path_with_a_version_of_its_own_stands_for_v1(base: str, path: str) -> None:
    sent = Server(f"http://h{base}").http(api("openai").ask("m", "hello"), None)
    assert sent.startswith(f"POST {path} HTTP/1.1\r\n".encode())


def test_the_version_of_another_protocol_is_not_that_of_a_base() -> None:
    ask = api("oip-v2").ask("m", {"x": np.zeros(1)})
    assert b"POST /v2/models/m/infer " in Server("http://h/v2").http(ask, None)
    assert b"POST /a/v1/v2/models/m/infer " in Server("http://h/a/v1").http(ask, None)


def test_what_a_refusal_names_is_left_out_and_a_limit_is_asked_by_its_newer_name() -> None:
    asked = api("openai", max_tokens=9)
    newer = asked.easier("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.")
    assert newer is not None and newer.left_out == ("max_tokens",)
    body = json.loads(newer.ask("m", "x").body)
    assert body["max_completion_tokens"] == 9 and "max_tokens" not in body
    none = newer.easier("max_completion_tokens: extra fields not permitted")
    assert none is not None and "max_completion_tokens" not in json.loads(none.ask("m", "x").body)
    unnamed = asked.easier("Bad Request")
    assert unnamed is not None and unnamed.left_out == ("stream_options",)
    whole = asked.easier("streaming is not supported")
    assert whole is not None and "stream" not in json.loads(whole.ask("m", "x").body)
    rest = asked.easier("stream_options is not allowed with stream")
    assert rest is not None and rest.left_out == ("stream_options",)
    bare = api("openai-completions", stream=False).easier("temperature")
    assert bare is not None and bare.easier("temperature") is None
    assert api("openai-embeddings").easier("x") is None and api("oip-v2").easier("x") is None


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
