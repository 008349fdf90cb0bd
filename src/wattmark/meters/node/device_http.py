"""Ask a device or service on the network for JSON, once, with a time limit and no retry.

Secrets are read from the environment when a request is sent. Redirects are not followed, since
they would carry the secrets to another address. Errors show an address without its query.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from wattmark.errors import MeterAccessError, MeterError
from wattmark.meters.node.node_settings import EnvironmentName, NodeSettings, secret
from wattmark.outside.fetching import Fault, FetchError, Limits, fetch

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


class DeviceAnswer(NamedTuple):
    """HTTP status, the server's clock in s since 1970 (or None), and the JSON document."""

    status: int
    server_time_s: float | None
    document: Any


def shown(url: str) -> str:
    """The address without its query, for messages."""
    return url.partition("?")[0]


def ask(
    settings: HttpSettings,
    url: str,
    query: Mapping[str, str] | None = None,
    *,
    token_header: str = "Authorization",
) -> DeviceAnswer:
    """GET a JSON document, whatever its status says.

    Raises MeterAccessError where access is refused, MeterError where the device cannot be
    reached, takes longer than the time limit, redirects, or answers with something else.
    """
    place = shown(url)
    if query:
        url = f"{url}?{urlencode(query)}"
    limits = Limits(settings.timeout_s, MAX_BYTES)
    headers = settings.request_headers(token_header)
    try:
        answer = fetch(url, limits, headers=headers, verify_tls=settings.verify_tls)
    except FetchError as error:
        raise _failed(error, place, settings) from None
    if answer.status in (401, 403):
        raise MeterAccessError(
            f"{place} refused access (status {answer.status}): set `user` and `password_env`, "
            "`token_env` or `headers_env`, or check what they hold"
        )
    if 300 <= answer.status < 400:
        target = urlsplit(answer.headers.get("location", "")).hostname or "another address"
        raise MeterError(
            f"{place} redirects to {target}; redirects are not followed: write the final address"
        )
    try:
        document = answer.document()
    except ValueError:
        fine = answer.status < 300
        said = "did not answer with JSON" if fine else f"answered with status {answer.status}"
        raise MeterError(f"{place} {said}") from None
    return DeviceAnswer(answer.status, _clock_s(answer.headers.get("date")), document)


def get_json(settings: HttpSettings, url: str, *, token_header: str = "Authorization") -> Any:
    """The JSON document at an address. Raises as ``ask``, and for any status but success."""
    answer = ask(settings, url, token_header=token_header)
    if not 200 <= answer.status < 300:
        raise MeterError(f"{shown(url)} answered with status {answer.status}")
    return answer.document


def _failed(error: FetchError, place: str, settings: HttpSettings) -> MeterError:
    match error.fault:
        case Fault.LATE:
            said = f"did not answer within {settings.timeout_s:g} s (`timeout_s`)"
        case Fault.LONG:
            said = f"sent more than {MAX_BYTES} bytes: not a power reading"
        case Fault.UNTRUSTED:
            return MeterError(
                f"{place}: its certificate cannot be verified ({error}); "
                "trust its issuer, or set `verify_tls: false` for a device of your own network"
            )
        case Fault.UNREACHABLE:
            said = f"cannot be reached: {error}"
        case Fault.BROKEN:
            said = f"gave no answer that can be read: {error}"
    return MeterError(f"{place} {said}")


def _clock_s(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None
