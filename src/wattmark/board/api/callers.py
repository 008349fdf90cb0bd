"""Who calls: tokens in the header Authorization, and what follows on wrong ones."""

from __future__ import annotations

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from wattmark.board.people.tokens import Bearer
from wattmark.board.web.rate_limit import client_key
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError

#: For the OpenAPI; :func:`bearer_of` reads the header.
TOKEN = Security(
    HTTPBearer(
        scheme_name="token",
        bearerFormat="wm_<id>_<secret>",
        description="A token of this board; a maintainer makes it with `wattmark board token`.",
        auto_error=False,
    )
)


def bearer_of(services: Services, request: Request) -> Bearer:
    """Who sends the request's token. It is slow: not for the event loop.

    Raises RefusedError 401, and 429 where too many wrong tokens came from the address.
    """
    header = request.headers.get("authorization")
    client = client_key(request.client.host if request.client else "")
    services.failures.check(client)
    try:
        with services.database.reading() as connection:
            return services.tokens.authenticate(connection, header)
    except RefusedError:
        if header is not None:
            services.failures.take(client)
        raise


def bearer_if_any(services: Services, request: Request) -> Bearer | None:
    """As :func:`bearer_of`, or None where no token was sent."""
    if "authorization" not in request.headers:
        return None
    return bearer_of(services, request)
