"""What a protocol of servers is to a load generator.

A further protocol is one file that fills :class:`Api`, and one line in
:mod:`wattmark.endpoints.known_apis`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Ask:
    """A request: path below the server's base URL, and its JSON body."""

    path: str
    body: bytes


@dataclass(slots=True)
class Reply:
    """What a reply said of itself: counted tokens, or None; the text, for a tokenizer."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    text: str = ""


class Reader(Protocol):
    """Reads one reply. Both methods raise MalformedReplyError."""

    def feed(self, body: bytes) -> int:
        """Take a piece of the body; the number of streamed pieces with tokens in it."""
        ...

    def end(self) -> Reply:
        """The body is complete."""
        ...


class Api(Protocol):
    """A protocol of servers."""

    name: str

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request that puts ``prompt`` to ``model``. Raises InputError."""
        ...

    def reader(self, content_type: str) -> Reader:
        """A reader for one reply of that content type (lower case)."""
        ...
