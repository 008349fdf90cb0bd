"""Which server is asked: its URL, and the key that lives in the environment only."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from wattmark.endpoints.api import Ask
from wattmark.errors import InputError

_VERSION = re.compile(r"v\d+([a-z]+\d*)?")


@dataclass(frozen=True)
class Server:
    """A server by URL. ``key_variable`` is the *name* of the environment variable with its key.

    The key itself is never a part of this object. Raises InputError for a URL that cannot be used.
    """

    url: str
    key_variable: str | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            fit = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            fit = None
        else:
            if parts.username is not None or parts.password is not None or parts.query:
                raise InputError(
                    "the endpoint's URL holds a user name, a password or a query: a URL is "
                    "recorded, so put the key into an environment variable and pass its name"
                )
        if not fit:
            raise InputError(
                "the endpoint is not a URL such as http://127.0.0.1:8000: it needs http or "
                "https, a host and, where it is not the usual one, a port"
            )
        if any(c <= " " or c > "~" for c in self.url):
            raise InputError("the endpoint's URL holds a blank or a character that must be quoted")

    @property
    def host(self) -> str:
        """Host name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    def tls(self) -> ssl.SSLContext | None:
        """The system's trust for https, None for http."""
        return ssl.create_default_context() if self.url.startswith("https:") else None

    def key(self) -> str | None:
        """The key from the environment, or None where no variable was named.

        Raises InputError where the variable is not set, or holds what a header cannot.
        """
        if self.key_variable is None:
            return None
        key = os.environ.get(self.key_variable, "")
        if not key:
            raise InputError(
                f"the environment variable {self.key_variable} with the key is not set"
            )
        if any(c <= " " or c > "~" for c in key):
            raise InputError(
                f"the key in {self.key_variable} holds a blank or another character that cannot "
                f"stand in a header"
            )
        return key

    def http(self, ask: Ask, key: str | None) -> bytes:
        """The whole HTTP/1.1 request, headers and body."""
        parts = urlsplit(self.url)
        path = _joined(parts.path, ask.path)
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Content-Type: application/json",
            "Accept: text/event-stream, application/json",
            "Accept-Encoding: identity",
            f"Content-Length: {len(ask.body)}",
        ]
        if key is not None:
            lines.append(f"Authorization: Bearer {key}")
        return "\r\n".join([*lines, "", ""]).encode("ascii") + ask.body


def _joined(base: str, path: str) -> str:
    """The path below a server's base URL.

    A base that names a version of its own (``/v3``, ``/api/paas/v4``, ``/v1beta/openai``) stands in
    place of OpenAI's ``/v1``, as in OpenAI's clients, and one that ends in the protocol's last part
    (``.../chat/completions``) is the whole path.
    """
    base = base.rstrip("/")
    version, _, below = path.removeprefix("/").partition("/")
    if base.endswith(f"/{below}"):
        return base
    versions = [part for part in base.split("/") if _VERSION.fullmatch(part)]
    if base.endswith(f"/{version}") or (versions and version == "v1"):
        return f"{base}/{below}"
    return base + path
