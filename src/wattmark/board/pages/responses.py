"""How a page is sent: from the cache where the board has not changed, compressed, with its tag."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from wattmark.board.web.compressed_pages import Page
from wattmark.board.web.services import Services

_HEADERS = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding, Accept-Language"}


def cached_page(
    services: Services,
    request: Request,
    render: Callable[[Connection], str],
    *,
    media_type: str = "text/html; charset=utf-8",
    variant: str = "",
) -> Response:
    """The page at this address; ``render`` is called where it is not kept, or is old.

    ``variant`` tells pages of one address apart. A browser that has it already gets 304.
    """
    key = f"{variant} {request.url.path}?{request.url.query}"
    with services.database.reading() as connection:
        version = services.database.version(connection)
        page = services.pages.get(version, key, lambda: Page.of(render(connection)))
    headers = {**_HEADERS, "ETag": page.etag}
    if request.headers.get("if-none-match") == page.etag:
        return Response(status_code=304, headers=headers)
    return packed(request, page.body, page.compressed, media_type, headers)


def packed(
    request: Request, body: bytes, compressed: bytes, media_type: str, headers: dict[str, str]
) -> Response:
    """The body, compressed for those who take it."""
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers = {**headers, "Content-Encoding": "gzip"}
        return Response(compressed, media_type=media_type, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
