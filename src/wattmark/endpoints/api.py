"""What a protocol of servers is to a load generator, and which ones there are.

A further protocol is one file that fills :class:`Api`, and one line in :func:`api`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from wattmark.errors import UnknownNameError


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


def api(name: str, *, max_tokens: int | None = None, stream: bool = True) -> Api:
    """The protocol of that name. ``max_tokens`` and ``stream`` are for generation.

    Raises UnknownNameError.
    """
    from wattmark.endpoints.oip_v2 import OipV2
    from wattmark.endpoints.openai import Chat, Completions, Embeddings

    known: dict[str, Callable[[], Api]] = {
        "openai": lambda: Chat(max_tokens, stream),
        "openai-completions": lambda: Completions(max_tokens, stream),
        "openai-embeddings": Embeddings,
        "oip-v2": OipV2,
    }
    if name not in known:
        raise UnknownNameError("API", name, known)
    return known[name]()
