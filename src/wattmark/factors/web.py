"""A question to a web service that has factors: one request, ten seconds at most."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from wattmark.errors import SignalError
from wattmark.outside.fetching import FetchError, Limits, fetch

#: Boavizta's answer for a server is some 10 kB.
_LIMITS = Limits(total_s=10.0, most_bytes=1 << 20)


def ask(url: str, headers: dict[str, str]) -> Any:
    """The document that the address answers with. Raises SignalError that says what came of it."""
    try:
        answer = fetch(url, _LIMITS, headers={"Accept": "application/json"} | headers)
    except FetchError as error:
        raise SignalError(f"{url} cannot be read: {error}") from None
    if 300 <= answer.status < 400:
        target = urlsplit(answer.headers.get("location", "")).hostname or "another address"
        raise SignalError(f"{url}: redirects to {target}, which is not followed")
    if not 200 <= answer.status < 300:
        why = "the token was refused" if answer.status in (401, 403) else f"status {answer.status}"
        raise SignalError(f"{url}: {why}")
    try:
        return answer.document()
    except ValueError as error:  # not JSON
        raise SignalError(f"{url} cannot be read: {error}") from None
