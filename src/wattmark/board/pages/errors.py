"""An error as a page."""

from __future__ import annotations

from fastapi.responses import HTMLResponse, Response

from wattmark.board.web.rendering import render

_TITLES = {400: "Not understood", 403: "Not allowed", 404: "Not here", 429: "Too often"}


def error_page(status: int, message: str, headers: dict[str, str]) -> Response:
    """The page for an HTTP status."""
    title = _TITLES.get(status, "That did not work")
    return HTMLResponse(render("error.html", title=title, message=message), status, headers)
