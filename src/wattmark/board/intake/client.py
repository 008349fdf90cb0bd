"""Sends a run to a board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from wattmark.errors import BoardError, InputError, RefusedError
from wattmark.outside.fetching import Answer, FetchError, Limits, fetch
from wattmark.outside.hosts import is_loopback
from wattmark.records import Bundle

#: A board checks a bundle before it answers; a submission with many findings takes some 100 kB.
_LIMITS = Limits(total_s=300.0, silence_s=60.0, most_bytes=4 * 2**20)
_PATH = "/api/v1/bundles"


@dataclass(frozen=True)
class Receipt:
    """What a board says of a bundle; ``new`` is False where it was there already.

    ``findings`` are sentences, the setup in front.
    """

    digest: str
    status: str
    new: bool
    findings: tuple[str, ...]


def send(bundle: Bundle, to: str, token: str, *, plain_http: bool = False) -> Receipt:
    """Submit a bundle to the board at an address, such as ``https://board.example``.

    A token goes by HTTPS, or to this machine; ``plain_http`` allows any address. Raises InputError
    for what is no address or no token, or would send one in the open; RefusedError with the
    board's own words where it does not take the bundle; BoardError where there is no board at the
    address, or it cannot be reached.
    """
    url = _checked(to, plain_http)
    headers = {
        "Authorization": f"Bearer {_token(token)}",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    address = urlunsplit(url._replace(path=url.path.rstrip("/") + _PATH))
    try:
        answer = fetch(address, _LIMITS, headers=headers, content=bundle.document)
    except FetchError as error:
        raise BoardError(f"the board at {to} cannot be reached: {error}") from error
    return _receipt(to, answer)


def _checked(to: str, plain_http: bool) -> SplitResult:
    try:
        url = urlsplit(to)
        port = url.port
    except ValueError as error:
        raise InputError(f"--to: {to!r} is no address: {error}") from None
    named = url.scheme in ("http", "https") and url.hostname and port != 0
    if not named or url.query or url.fragment or url.username or not to.isascii():
        raise InputError(f"--to: {to!r} is no address of a board, such as https://board.example")
    if url.scheme == "http" and not plain_http and not is_loopback(url.hostname or ""):
        raise InputError(
            f"{to} has no encryption: whoever sees the token on its way can use it. Use https, or "
            "--plain-http on a network that you trust"
        )
    return url


def _token(token: str) -> str:
    text = token.strip()
    if not text.isascii() or not text.isprintable() or " " in text or not text:
        raise InputError("this is no token: it looks like wm_0123456789ab_...")
    return text


def _receipt(to: str, answer: Answer) -> Receipt:
    status = answer.status
    try:
        said: Any = answer.document()
        if status in (200, 201):
            findings = tuple(map(_sentence, said["findings"]))
            return Receipt(_shown(said["digest"]), _shown(said["status"]), status == 201, findings)
        error = said["error"]
        message = f"the board at {to} refused it: {_shown(error['message'])} ({status})"
        retry_after = answer.headers.get("retry-after", "")
        wait_s = int(retry_after) if retry_after.isdecimal() else None
        raise RefusedError(status, _shown(error["code"]), message, retry_after_s=wait_s)
    except (ValueError, LookupError, TypeError):
        raise BoardError(
            f"{to} answered with status {status}, and not as a board does: is it the address of "
            "one?"
        ) from None


def _sentence(finding: dict[str, str]) -> str:
    return ": ".join(filter(None, (_shown(finding["where"]), _shown(finding["message"]))))


def _shown(text: str) -> str:
    """What the board says may be printed: no control characters reach the terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
