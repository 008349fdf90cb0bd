"""The OpenAI API: chat completions, completions and embeddings.

Streams are asked for with ``stream_options.include_usage``, so that a server that counts tokens
says so in the last event. The fields are those of OpenAI's published API reference.
"""

from __future__ import annotations

import json
from typing import Any

from wattmark.endpoints.api import Ask, Reader, Reply
from wattmark.endpoints.outcomes import MalformedReplyError
from wattmark.endpoints.sse import EventStream


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise MalformedReplyError(f"not JSON: {text[:80]!r}") from error
    if not isinstance(value, dict):
        raise MalformedReplyError(f"not a JSON object: {text[:80]!r}")
    if value.get("error"):
        raise MalformedReplyError(f"the server reported an error in its reply: {text[:200]!r}")
    return value


def _count(usage: dict[str, Any], key: str) -> int | None:
    value = usage.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _take_usage(reply: Reply, value: dict[str, Any]) -> None:
    usage = value.get("usage")
    if isinstance(usage, dict):
        reply.tokens_in = _count(usage, "prompt_tokens")
        reply.tokens_out = _count(usage, "completion_tokens")


def _piece(choice: Any) -> str:
    """The text of a choice: of a chat's delta or message, with its reasoning, or a completion's."""
    if not isinstance(choice, dict):
        raise MalformedReplyError("a choice is not an object")
    part = choice.get("delta")
    if part is None:
        part = choice.get("message")
    if part is None:
        part = {"content": choice.get("text")}
    if not isinstance(part, dict):
        raise MalformedReplyError("a choice's delta is not an object")
    text = part.get("content") or part.get("reasoning_content") or part.get("reasoning") or ""
    if not isinstance(text, str):
        raise MalformedReplyError("a choice's content is not text")
    if not text and part.get("tool_calls"):
        return json.dumps(part["tool_calls"])
    return text


def _pieces(value: dict[str, Any]) -> str:
    choices = value.get("choices")
    if choices is None:
        choices = []
    if not isinstance(choices, list):
        raise MalformedReplyError("'choices' is not a list")
    if len(choices) == 1:
        return _piece(choices[0])
    return "".join(map(_piece, choices))


class _Stream:
    """Reads a generation as server-sent events up to ``[DONE]``."""

    def __init__(self) -> None:
        self._events = EventStream()
        self._reply = Reply()
        self._texts: list[str] = []
        self._done = False

    def feed(self, body: bytes) -> int:
        pieces = 0
        for data in self._events.feed(body):
            if data == b"[DONE]":
                self._done = True
                continue
            value = _object(data)
            text = _pieces(value)
            if text:
                pieces += 1
                self._texts.append(text)
            if "usage" in value:
                _take_usage(self._reply, value)
        return pieces

    def end(self) -> Reply:
        if not self._done:
            raise MalformedReplyError("the stream ended without its last event, [DONE]")
        if not self._texts and not self._reply.tokens_out:
            # usage may say 0: an empty answer is an answer
            if self._reply.tokens_out is None:
                raise MalformedReplyError("the stream held no token")
            return self._reply
        self._reply.text = "".join(self._texts)
        return self._reply


class _Whole:
    """Reads a reply that is one JSON object holding a list under ``key``."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._parts: list[bytes] = []

    def feed(self, body: bytes) -> int:
        self._parts.append(body)
        return 0

    def end(self) -> Reply:
        value = _object(b"".join(self._parts))
        items = value.get(self._key)
        if not isinstance(items, list) or not items:
            raise MalformedReplyError(f"the reply holds no {self._key!r}")
        reply = Reply()
        _take_usage(reply, value)
        if self._key == "choices":
            reply.text = _pieces(value)
        return reply


class _Generation:
    def __init__(self, max_tokens: int | None, stream: bool) -> None:
        self._common: dict[str, Any] = {"temperature": 0}
        if max_tokens is not None:
            self._common["max_tokens"] = max_tokens
        if stream:
            self._common |= {"stream": True, "stream_options": {"include_usage": True}}

    def reader(self, content_type: str) -> Reader:
        """Events where the server streams; one object where it does not, asked or not."""
        return _Stream() if content_type.startswith("text/event-stream") else _Whole("choices")


class Chat(_Generation):
    """Chat completions; a prompt is a text or a list of messages."""

    name = "openai"

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request; a text becomes the one message of the user."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        body = {"model": model, "messages": messages, **self._common}
        return Ask("/v1/chat/completions", json.dumps(body).encode())


class Completions(_Generation):
    """Completions of a text."""

    name = "openai-completions"

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request."""
        body = {"model": model, "prompt": prompt, **self._common}
        return Ask("/v1/completions", json.dumps(body).encode())


class Embeddings:
    """Embeddings of a text or a list of texts."""

    name = "openai-embeddings"

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request."""
        return Ask("/v1/embeddings", json.dumps({"model": model, "input": prompt}).encode())

    def reader(self, content_type: str) -> Reader:
        """One object that holds ``data``."""
        return _Whole("data")
