"""Names of tokens and maintainers: plain enough to stand in a log, a page and a terminal.

The log is public, so that a name is no e-mail address.
"""

from __future__ import annotations

import re

from wattmark.errors import RefusedError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHOWN = 40


def is_name(text: str) -> bool:
    """Whether a token or a maintainer may have this name."""
    return _NAME.fullmatch(text) is not None


def require_name(text: str) -> None:
    """Raises RefusedError 422 ``bad_name``."""
    if not is_name(text):
        shown = ascii(text[:_SHOWN]) + ("..." if len(text) > _SHOWN else "")
        raise RefusedError(
            422,
            "bad_name",
            f"name: {shown} is not 1 to 64 letters (a to z), digits and . _ - "
            "that begin with a letter or a digit",
        )
