"""Replies of OpenAI-compatible servers: streams of events, or one object."""

from __future__ import annotations

import json
from typing import Any

from wattmark.endpoints.api import Reader, Reply
from wattmark.endpoints.openai_usage import refuse_no_tokens, take_usage
from wattmark.endpoints.outcomes import MalformedReplyError, ReportedError
from wattmark.endpoints.reported_errors import reported_error, sentence_of
from wattmark.endpoints.sse import EventStream, StreamedEvent

#: Members of a delta, or of a part of one, that hold what was generated: OpenAI's own, those of
#: vLLM, SGLang, DeepSeek (``reasoning_content``), OpenRouter (``reasoning_details``), Mistral
#: (``thinking`` within a list of parts) and LiteLLM (``thinking_blocks``). Of those in a group,
#: the first that holds text is taken: the others repeat it.
_GENERATED = (
    (
        "reasoning_content",
        "reasoning",
        "reasoning_text",
        "reasoning_details",
        "thinking",
        "thinking_blocks",
        "thought",
        "thoughts",
        "summary",
    ),
    ("content", "text", "output_text"),
    ("refusal",),
    ("tool_calls", "function_call", "function"),
    ("name",),
    ("arguments", "input", "partial_json"),
    ("audio", "images", "image_url"),
    ("transcript", "data", "url"),
)
#: The name of a message is who speaks; only a function's is generated.
_NOT_OF_A_DELTA = {"name"}


def reply_reader(key: str, content_type: str) -> Reader:
    """A reader for a reply, by what it is and not by what its headers call it.

    ``key`` is the member that a whole reply must hold.
    """
    return _Either(key, content_type)


def generated_text(part: Any, *, within: bool = True) -> str:
    """All text in a delta, message or part of one that the model generated."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(map(generated_text, part))
    if not isinstance(part, dict):
        return ""
    said = []
    for group in _GENERATED:
        for name in group:
            skipped = not within and name in _NOT_OF_A_DELTA
            if not skipped and part.get(name) and (text := generated_text(part[name])):
                said.append(text)
                break
    return "".join(said)


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        first = _first_object(text)
        if isinstance(first, dict) and (said := reported_error(first)) is not None:
            raise ReportedError(said) from error
        if text.lstrip().startswith(b'{"error"'):  # transformers serve does not escape its words
            raise ReportedError(text.decode("utf-8", "replace")[:200]) from error
        raise MalformedReplyError(f"not JSON: {text[:80]!r}") from error
    if not isinstance(value, dict):
        raise MalformedReplyError(f"not a JSON object: {text[:80]!r}")
    if (said := reported_error(value)) is not None:
        raise ReportedError(said)
    return value


def _first_object(text: bytes) -> Any:
    """The JSON value that a text begins with, for a server that goes on after its error."""
    try:
        return json.JSONDecoder().raw_decode(text.decode("utf-8", "replace").lstrip())[0]
    except ValueError:
        return None


def _choices(value: dict[str, Any]) -> list[dict[str, Any]]:
    choices = value.get("choices")
    if choices is None:
        return []
    if not isinstance(choices, list):
        raise MalformedReplyError("'choices' is not a list")
    for choice in choices:
        if not isinstance(choice, dict):
            raise MalformedReplyError("a choice is not an object")
    return choices


def _piece(choice: dict[str, Any]) -> str:
    """The text of a choice: of a chat's delta or message, or a completion's own."""
    delta = choice.get("delta")
    if type(delta) is dict and len(delta) == 1 and type(text := delta.get("content")) is str:
        return text  # the form of nearly every event
    for name in ("delta", "message"):
        if (part := choice.get(name)) is not None:
            if not isinstance(part, dict):
                raise MalformedReplyError(f"a choice's {name} is not an object")
            if not isinstance(part.get("content"), (str, list, dict, type(None))):
                raise MalformedReplyError("a choice's content is not text")
            if text := generated_text(part, within=False):
                return text
    return generated_text({"text": choice.get("text")})


class _Either:
    """Waits for the first character of a reply, which tells a stream from an object."""

    def __init__(self, key: str, content_type: str) -> None:
        self._key, self._type = key, content_type
        self._begun = b""
        self._reader: _Stream | _Whole | None = None

    @property
    def finished(self) -> bool:
        return self._reader is not None and self._reader.finished

    def feed(self, body: bytes) -> int:
        if self._reader is None:
            self._begun += body
            start = self._begun.removeprefix(b"\xef\xbb\xbf").lstrip()
            if not start:
                return 0
            body, whole = self._begun, start[:1] in b"{["
            if not whole and start[:1] == b"<":
                raise MalformedReplyError(self._neither(start))
            self._reader = _Whole(self._key) if whole else _Stream()
        return self._reader.feed(body)

    def end(self) -> Reply:
        if self._reader is None:
            raise MalformedReplyError("the reply is empty")
        try:
            reply = self._reader.end()
        except MalformedReplyError as error:
            known = ("text/event-stream", "application/json")
            if self._type.startswith(known):
                raise
            raise MalformedReplyError(f"{error} (content type {self._type or 'none'})") from error
        return reply

    def _neither(self, start: bytes) -> str:
        return (
            f"the reply is neither JSON nor a stream of events but {self._type or 'of no type'}: "
            f"{start[:80]!r}"
        )


class _Stream:
    """Reads a generation as server-sent events.

    It is whole where it says ``[DONE]``, where each choice has given its ``finish_reason``, or
    where usage came in an event of its own, which follows the last token.
    """

    def __init__(self) -> None:
        self._events = EventStream()
        self._reply = Reply()
        self._ends: dict[Any, bool] = {}
        self._usage_alone = False
        self._start = b""
        self.finished = False

    def feed(self, body: bytes) -> int:
        if len(self._start) < 80:
            self._start += body[:80]
        return sum(map(self._take, self._events.feed(body)))

    def end(self) -> Reply:
        for event in self._events.end():
            self._take(event)
        reply = self._reply
        if not (self.finished or self._usage_alone or (self._ends and all(self._ends.values()))):
            if not self._ends and not reply.texts:
                raise MalformedReplyError(f"the stream held no event: {self._start[:80]!r}")
            raise MalformedReplyError(
                "the stream was cut off: it ended without [DONE], a finish_reason or usage"
            )
        if not reply.texts and reply.tokens_out is None:  # 0 is said of an empty answer
            raise MalformedReplyError("the stream held no token")
        refuse_no_tokens(reply)
        if len(reply.counts) != len(reply.texts):
            reply.counts = []
        return reply

    def _take(self, event: StreamedEvent) -> int:
        data = event.data.strip()
        if event.error:
            raise ReportedError(_said_by(data))
        if not data:
            return 0
        if data == b"[DONE]":
            self.finished = True
            return 0
        value = _object(data)
        choices, reply = _choices(value), self._reply
        text = _piece(choices[0]) if len(choices) == 1 else "".join(map(_piece, choices))
        if text:
            reply.texts.append(text)
        before = reply.tokens_out
        if take_usage(reply, value, choices):
            self._usage_alone = self._usage_alone or not choices
            counted = reply.tokens_out
            if text and counted and counted > (before or 0):
                reply.counts.append(counted)
        for choice in choices:
            reason = choice.get("finish_reason")
            index = choice.get("index", 0)
            if not reason:
                self._ends.setdefault(index, False)
                continue
            self._ends[index] = True
            if reason in ("stop", "eos", "eos_token", "end_turn", "tool_calls"):
                reply.silent_end = not text
        return 1 if text else 0


def _said_by(data: bytes) -> str:
    """The sentence of an event that is called an error."""
    try:
        value = json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")[:200]
    if not isinstance(value, dict):
        return str(value)[:200]
    return reported_error(value) or sentence_of(value, value)


class _Whole:
    """Reads a reply that is one JSON object holding a list under ``key``."""

    finished = False

    def __init__(self, key: str) -> None:
        self._key = key
        self._parts: list[bytes] = []

    def feed(self, body: bytes) -> int:
        self._parts.append(body)
        return 0

    def end(self) -> Reply:
        value = _object(b"".join(self._parts).removeprefix(b"\xef\xbb\xbf"))
        items = value.get(self._key)
        if not isinstance(items, list) or not items:
            raise MalformedReplyError(f"the reply holds no {self._key!r}")
        reply = Reply()
        if self._key == "choices":
            choices = _choices(value)
            reply.texts = [text] if (text := "".join(map(_piece, choices))) else []
            take_usage(reply, value, choices)
        else:
            take_usage(reply, value, [])
        refuse_no_tokens(reply)
        return reply
