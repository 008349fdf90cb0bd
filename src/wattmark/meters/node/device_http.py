"""Ask a device or service on the network for JSON, once, with a time limit and no retry.

Secrets are read from the environment when a request is sent. Redirects are not followed, since
they would carry the secrets to another address. Errors show an address without its query.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPException, HTTPResponse
from typing import Annotated, Any, NamedTuple, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from pydantic import Field, StringConstraints, field_validator, model_validator

from wattmark.errors import MeterAccessError, MeterError
from wattmark.meters.node.node_settings import EnvironmentName, NodeSettings, secret

#: More than any power reading; what is longer is not one.
MAX_BYTES = 1 << 20

_SECRET_HEADER = re.compile(r"auth|cookie|token|key|secret|password", re.IGNORECASE)
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")]
HeaderText = Annotated[str, StringConstraints(pattern=r"^[ -~]*$")]


class HttpSettings(NodeSettings):
    """Keys of every kind that is asked over HTTP."""

    url: str = Field(description="its address, http:// or https://")
    user: str | None = Field(None, description="name for basic authentication")
    password_env: EnvironmentName | None = Field(
        None, description="environment variable with the password of `user`"
    )
    token_env: EnvironmentName | None = Field(
        None, description="environment variable with a token (see the kind for how it is sent)"
    )
    headers: dict[HeaderName, HeaderText] = Field(
        {}, description="further headers, none of them secret"
    )
    headers_env: dict[HeaderName, EnvironmentName] = Field(
        {}, description="headers whose value stands in an environment variable"
    )
    verify_tls: bool = Field(
        True, description="false: accept any certificate of an https address (self-signed)"
    )

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise ValueError("is not an address") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with http:// or https:// and name a host")
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                "must not hold a name or password: write `user` and `password_env` (the name of an "
                "environment variable)"
            )
        if not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("must be ASCII without spaces: write others as %XX")
        return url

    @field_validator("headers")
    @classmethod
    def _no_secret(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if _SECRET_HEADER.search(name):
                raise ValueError(
                    f"{name} looks like a secret: name an environment variable in `headers_env`"
                )
        return headers

    @model_validator(mode="after")
    def _user_with_password(self) -> Self:
        if (self.user is None) != (self.password_env is None):
            raise ValueError("`user` and `password_env` belong together")
        if self.user is not None and ":" in self.user:
            raise ValueError("`user` must not hold a colon")
        return self

    def request_headers(self, token_header: str = "Authorization") -> dict[str, str]:
        """The headers of a request, secrets included. Raises MeterAccessError where one is missing.

        A token goes into ``token_header``, as ``Bearer`` where that is ``Authorization``.
        """
        headers = {"Accept": "application/json"} | self.headers
        headers |= {name: secret(variable) for name, variable in self.headers_env.items()}
        if self.user is not None and self.password_env is not None:
            pair = f"{self.user}:{secret(self.password_env)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if self.token_env is not None:
            token = secret(self.token_env)
            bearer = token_header == "Authorization"
            headers[token_header] = f"Bearer {token}" if bearer else token
        for name, value in headers.items():
            if not value.isascii():
                raise MeterAccessError(f"the header {name} holds characters that are not ASCII")
        return headers


class Answer(NamedTuple):
    """HTTP status, the server's clock in s since 1970 (or None), and the JSON document."""

    status: int
    server_time_s: float | None
    document: Any


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@cache
def _opener(verify_tls: bool) -> OpenerDirector:
    """Made once, since reading the machine's certificates takes tens of ms."""
    tls = ssl.create_default_context()
    if not verify_tls:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return build_opener(_NoRedirect, HTTPSHandler(context=tls))


def shown(url: str) -> str:
    """The address without its query, for messages."""
    return url.partition("?")[0]


def ask(
    settings: HttpSettings,
    url: str,
    query: Mapping[str, str] | None = None,
    *,
    token_header: str = "Authorization",
) -> Answer:
    """GET a JSON document, whatever its status says.

    Raises MeterAccessError where access is refused, MeterError where the device cannot be
    reached, takes longer than the time limit, redirects, or answers with something else.
    """
    place = shown(url)
    if query:
        url = f"{url}?{urlencode(query)}"
    request = Request(url, headers=settings.request_headers(token_header))
    opener = _opener(settings.verify_tls)
    latest = time.monotonic() + settings.timeout_s
    try:
        with opener.open(request, timeout=settings.timeout_s) as response:
            return _answer(response, latest, place)
    except HTTPError as error:
        with error:
            return _refusal(error, latest, place)
    except TimeoutError:
        raise _late(place, settings) from None
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _late(place, settings) from None
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise MeterError(
                f"{place}: its certificate cannot be verified ({error.reason.verify_message}); "
                "trust its issuer, or set `verify_tls: false` for a device of your own network"
            ) from None
        raise MeterError(f"{place} cannot be reached: {error.reason}") from None
    except (OSError, HTTPException) as error:
        raise MeterError(f"{place} broke off the connection: {error!r}") from None


def get_json(settings: HttpSettings, url: str, *, token_header: str = "Authorization") -> Any:
    """The JSON document at an address. Raises as ``ask``, and for any status but success."""
    answer = ask(settings, url, token_header=token_header)
    if not 200 <= answer.status < 300:
        raise MeterError(f"{shown(url)} answered with status {answer.status}")
    return answer.document


def _late(place: str, settings: HttpSettings) -> MeterError:
    return MeterError(f"{place} did not answer within {settings.timeout_s:g} s (`timeout_s`)")


def _refusal(error: HTTPError, latest: float, place: str) -> Answer:
    if error.code in (401, 403):
        raise MeterAccessError(
            f"{place} refused access (status {error.code}): set `user` and `password_env`, "
            "`token_env` or `headers_env`, or check what they hold"
        ) from None
    if 300 <= error.code < 400:
        target = urlsplit(error.headers.get("Location") or "").hostname or "another address"
        raise MeterError(
            f"{place} redirects to {target}; redirects are not followed: write the final address"
        ) from None
    try:
        return _answer(error, latest, place)
    except MeterError:
        raise MeterError(f"{place} answered with status {error.code}") from None


def _answer(response: HTTPResponse | HTTPError, latest: float, place: str) -> Answer:
    content = bytearray()
    while chunk := response.read1(1 << 16):
        content += chunk
        if len(content) > MAX_BYTES:
            raise MeterError(f"{place} sent more than {MAX_BYTES} bytes: not a power reading")
        if time.monotonic() > latest:
            raise TimeoutError
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise MeterError(f"{place} did not answer with JSON") from None
    return Answer(response.status or 0, _clock_s(response.headers.get("Date")), document)


def _clock_s(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None
