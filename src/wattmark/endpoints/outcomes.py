"""What became of a request: its times, tokens and, where it failed, how."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.errors import SentenceCode, WattmarkError


class MalformedReplyError(WattmarkError):
    """A reply that does not follow its protocol; the generator counts it as a failure."""


class ReportedError(WattmarkError):
    """A server's own word in a reply with status 200 that it failed; the generator counts it."""


class Failure(SentenceCode):
    """Why a request gave no valid reply; ``sentence`` says it to a person."""

    CONNECT = "connect", "no connection to the server could be made"
    CLOSED = "closed", "the server closed the connection before the reply was complete"
    CONNECT_TIMEOUT = "connect_timeout", "no connection within the time limit"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout", "nothing of a reply within the time limit"
    STALL_TIMEOUT = "stall_timeout", "the reply stopped for longer than the time limit"
    TOTAL_TIMEOUT = "total_timeout", "the reply was not complete within the time limit"
    RATE_LIMITED = "rate_limited", "the server refused the request by its rate limit (429)"
    CLIENT_ERROR = "http_4xx", "the server refused the request"
    SERVER_ERROR = "http_5xx", "the server failed at the request"
    UNEXPECTED_STATUS = "http_other", "the server answered with a status that is no success"
    REPORTED = "reported", "the server said within a reply of status 200 that it failed"
    MALFORMED = "malformed", "the reply does not follow its protocol"
    CUT_OFF = "cut_off", "the run ended before the reply was complete"


class TokenSource(StrEnum):
    """Who counted the tokens."""

    USAGE = "usage"  # the server's ``usage`` field
    TOKENIZER = "tokenizer"  # the tokenizer that the caller named


@dataclass(slots=True)
class Request:
    """One request. All times in ns on one monotonic clock, from the start of the load.

    ``scheduled_ns``: due; ``issued_ns``: taken up by the generator; ``sent_ns``: written to the
    connection; ``first_token_ns``, ``last_token_ns``: when the first and the last piece with text
    came, None where nothing was streamed; ``end_ns``: complete or failed. ``token_times_ns`` holds
    the time of every piece unless the run's limit on kept times was reached: then it is empty.

    A piece is not a token. ``pieces`` counts them, ``first_pieces`` those that came at the time of
    the first; ``first_tokens`` is how many tokens these held and ``streamed_tokens`` how many all
    pieces did, where somebody counted them. ``silent_end`` and ``count_fault`` are as in
    :class:`wattmark.endpoints.api.Reply`. ``tokens_in``, ``tokens_out`` are None where nobody
    counted them.
    """

    index: int
    scheduled_ns: int
    issued_ns: int
    sent_ns: int | None = None
    first_token_ns: int | None = None
    last_token_ns: int | None = None
    end_ns: int = 0
    status: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    token_source: TokenSource | None = None
    pieces: int = 0
    first_pieces: int = 0
    first_tokens: int | None = None
    streamed_tokens: int | None = None
    silent_end: bool = False
    count_fault: str = ""
    failure: Failure | None = None
    sentence: str = ""
    token_times_ns: array[int] = field(default_factory=lambda: array("q"))

    @property
    def lateness_ns(self) -> int:
        """How late the generator took it up."""
        return self.issued_ns - self.scheduled_ns

    @property
    def latency_ns(self) -> int:
        """From the scheduled arrival to the end."""
        return self.end_ns - self.scheduled_ns

    @property
    def ttft_ns(self) -> int | None:
        """Time to first token, from the scheduled arrival; None where nothing was streamed."""
        return None if self.first_token_ns is None else self.first_token_ns - self.scheduled_ns


@dataclass
class Load:
    """What a load gave: requests in the order of their ends, and the texts of the valid replies.

    ``first_texts`` are what came of them at the time of the first token. ``left_out`` are options
    that the server refused, so that they were not asked.

    ``duration_ns`` is from the start to the last end, ``cpu_ns`` what the generator's thread
    computed meanwhile. ``stopped`` says why it ended before its schedule did: ``interrupted``,
    ``budget_ended``, ``server_gone``, or nothing.
    """

    name: str
    planned: int
    requests: list[Request] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    first_texts: dict[int, str] = field(default_factory=dict)
    duration_ns: int = 0
    cpu_ns: int = 0
    connections: int = 0
    stopped: str = ""
    left_out: tuple[str, ...] = ()
