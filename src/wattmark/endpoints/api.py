"""What a protocol of servers is to a load generator.

A further protocol is one file that fills :class:`Api`, and one line in
:mod:`wattmark.endpoints.known_apis`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Ask:
    """A request: path below the server's base URL, and its JSON body."""

    path: str
    body: bytes


@dataclass(slots=True)
class Reply:
    """What a reply said of itself: counted tokens, or None; the text, for a tokenizer.

    ``texts`` are the texts of its pieces in the order of their coming, and ``counts`` the tokens
    so far after each, where the server said so with every one (else it is empty). ``silent_end``
    says whether the generation stopped by itself in an event without text, so that its last
    token, the end of the text, is in no piece. ``count_fault`` says why a count that the server
    gave was not believed.
    """

    tokens_in: int | None = None
    tokens_out: int | None = None
    texts: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    silent_end: bool = False
    count_fault: str = ""

    @property
    def text(self) -> str:
        """All pieces together."""
        return "".join(self.texts)


class Reader(Protocol):
    """Reads one reply. Its methods raise MalformedReplyError and ReportedError."""

    @property
    def finished(self) -> bool:
        """Whether the reply has said that it is whole, though its body may go on."""
        ...

    def feed(self, body: bytes) -> int:
        """Take a piece of the body; the number of streamed pieces with tokens in it."""
        ...

    def end(self) -> Reply:
        """The body is complete."""
        ...


class Api(Protocol):
    """A protocol of servers. ``left_out`` are options that are not asked since they are refused."""

    name: str
    left_out: tuple[str, ...]

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request that puts ``prompt`` to ``model``. Raises InputError."""
        ...

    def reader(self, content_type: str) -> Reader:
        """A reader for one reply of that content type (lower case)."""
        ...

    def easier(self, refusal: str) -> Self | None:
        """The protocol with an option less, after a refusal in these words; None: none to spare."""
        ...
