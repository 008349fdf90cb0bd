"""A question to a web service that has factors: one request, ten seconds at most."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from wattmark.errors import SignalError

_TIMEOUT_S = 10.0


def ask(url: str, headers: dict[str, str]) -> Any:
    """The document that the address answers with. Raises SignalError that says what came of it."""
    try:
        with urlopen(Request(url, headers=headers), timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except HTTPError as error:
        why = "the token was refused" if error.code in (401, 403) else f"status {error.code}"
        raise SignalError(f"{url}: {why}") from None
    except (OSError, ValueError) as error:  # unreachable; not JSON
        raise SignalError(f"{url} cannot be read: {error}") from None
