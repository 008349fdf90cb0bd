"""One question over HTTP, and its whole answer: the client of meters, factors and boards.

What holds for every question, so that no caller has to think of it:

- Limits: connecting, each silence and the whole each have a time limit; an answer has a longest
  size. Nothing is asked twice.
- Redirects are not followed, since headers with secrets would go to another address.
- Compressed answers are not asked for and not read: a few kB of one can hold GB.
- Proxies are those of the environment (``https_proxy``, ``no_proxy``), never for this machine
  itself. Certificates are checked against the trust of the system (``SSL_CERT_FILE``).
- No name or password is taken from a file (``.netrc``), and no cookie is kept.

What went wrong is one :class:`FetchError`; each caller makes its own sentence of it.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any

from wattmark.outside.hosts import is_loopback

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class Limits:
    """Of one question. ``total_s`` is from the start to the last byte; ``silence_s`` is the
    longest wait for a next byte; both in s."""

    total_s: float
    most_bytes: int
    connect_s: float = 10.0
    silence_s: float = 30.0


class Fault(Enum):
    """What can come of a question."""

    UNREACHABLE = "no connection came about"
    UNTRUSTED = "the certificate cannot be verified"
    LATE = "a time limit passed"
    LONG = "the answer is longer than the limit"
    BROKEN = "the answer broke off, or is no HTTP"


class FetchError(Exception):
    """No answer; ``fault`` is which of the few things it was, the message says it in words.

    The message names neither address nor headers, which may hold secrets.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        self.fault = fault
        super().__init__(message)


@dataclass(frozen=True)
class Answer:
    """A whole answer. Names of ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    def document(self) -> Any:
        """The JSON that it holds. Raises ValueError where it is none."""
        try:
            return json.loads(self.content)
        except RecursionError:
            raise ValueError("JSON within JSON, too deep to read") from None


def fetch(
    url: str,
    limits: Limits,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    verify_tls: bool = True,
) -> Answer:
    """GET an address, or POST ``content`` to it; the answer, whatever its status.

    ``verify_tls`` False takes any certificate of an https address. Raises FetchError.
    """
    import httpx

    deadline = _Deadline(limits.total_s)
    try:
        sent = httpx.Headers({"User-Agent": "wattmark"})
        sent.update(dict(headers))
        sent["Accept-Encoding"] = "identity"
        with deadline, _client(url, limits, verify_tls) as client:
            request = client.build_request(
                "GET" if content is None else "POST",
                url,
                content=content,
                headers=sent,
                extensions={"trace": deadline.watch},
            )
            answer = client.send(request, stream=True)
            try:
                return _whole(answer, limits.most_bytes, deadline)
            finally:
                answer.close()
    except (httpx.LocalProtocolError, UnicodeEncodeError):  # their messages quote the header
        message = "a header holds a character that HTTP cannot carry"
        raise FetchError(Fault.UNREACHABLE, message) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _explained(error, deadline.passed()) from None


@contextmanager
def _client(url: str, limits: Limits, verify_tls: bool) -> Iterator[httpx.Client]:
    import httpx

    seconds = httpx.Timeout(
        min(limits.silence_s, limits.total_s), connect=min(limits.connect_s, limits.total_s)
    )
    try:
        host = httpx.URL(url).host
        made = httpx.Client(
            verify=_trust(verify_tls),
            trust_env=not is_loopback(host),
            follow_redirects=False,
            timeout=seconds,
        )
    except (ValueError, ImportError) as error:  # of a proxy of the environment
        message = f"the proxy that the environment names cannot be used: {error}"
        raise FetchError(Fault.UNREACHABLE, message) from None
    with made:
        yield made


@cache
def _trust(verify_tls: bool) -> ssl.SSLContext:
    """Made once, since reading the machine's certificates takes tens of ms."""
    tls = ssl.create_default_context()
    if not verify_tls:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls


def _whole(answer: httpx.Response, most_bytes: int, deadline: _Deadline) -> Answer:
    coding = answer.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise FetchError(Fault.BROKEN, f"the answer is compressed ({coding}), which was not asked")
    content = bytearray()
    for piece in answer.iter_raw():
        content += piece
        if len(content) > most_bytes:
            raise FetchError(Fault.LONG, f"the answer is longer than {most_bytes} bytes")
    if deadline.passed():  # a connection that was cut reads like one that came to its end
        raise FetchError(Fault.LATE, "no whole answer in time")
    return Answer(answer.status_code, dict(answer.headers), bytes(content))


def _explained(error: Exception, late: bool) -> FetchError:
    import httpx

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError(Fault.UNTRUSTED, cause.verify_message)
        cause = cause.__cause__ or cause.__context__
    said = str(error) or type(error).__name__
    if late or isinstance(error, httpx.TimeoutException | TimeoutError):
        return FetchError(Fault.LATE, "no whole answer in time")
    unreachable = isinstance(
        error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol | httpx.InvalidURL
    )
    return FetchError(Fault.UNREACHABLE if unreachable else Fault.BROKEN, said)


class _Deadline:
    """Cuts the connection when the whole has taken too long.

    The time limits of the library are for each read, so that a server that sends a byte now and
    then could hold a caller for as long as it likes.
    """

    def __init__(self, seconds: float) -> None:
        self._latest = time.monotonic() + seconds
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = Lock()
        self._socket: socket.socket | None = None

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._latest

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """What the library reports of a request; new connections are kept in view."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
            if self.passed():
                self._cut()

    def _cut(self) -> None:
        with self._lock, suppress(OSError):  # it may be closed already
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
