"""The board as an ASGI application: pages, API, static files, and how errors are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from wattmark.board import api, pages
from wattmark.board.intake.bundle import MOST_BYTES
from wattmark.board.pages.errors import error_page
from wattmark.board.pages.responses import packed
from wattmark.board.web import feed
from wattmark.board.web.body_limit import BodyLimit
from wattmark.board.web.security import SecurityHeaders
from wattmark.board.web.services import Services
from wattmark.board.web.static_files import static_files
from wattmark.errors import BoardError, RefusedError, WattmarkError

API = "/api/v1"
#: Requests that are worked on at a time. One computes, the others wait for the database; more of
#: them would only take turns (40, as they come, halve the rate of pages that are made anew).
THREADS = 8


def application(services: Services) -> FastAPI:
    """The application over a database that is open."""
    app = FastAPI(
        title="Wattmark board",
        version="1",
        description="Results of AI models in dated editions: energy, quality, stars.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    for router in api.routers(services):
        app.include_router(router, prefix=API)
    for router in pages.routers(services):
        app.include_router(router, include_in_schema=False)
    app.include_router(feed.routes(services), include_in_schema=False)
    app.add_api_route("/static/{name}", _static, include_in_schema=False)
    app.add_middleware(BodyLimit, most_bytes=MOST_BYTES)
    app.add_middleware(SecurityHeaders, secure=services.secure)

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> Response:
        return _told(request, error.status, error.code, str(error), _headers_of(error))

    @app.exception_handler(WattmarkError)
    async def failed(request: Request, error: WattmarkError) -> Response:
        status = 503 if isinstance(error, BoardError) else 422
        return _told(request, status, "failed", str(error))

    @app.exception_handler(RequestValidationError)
    async def unread(request: Request, error: RequestValidationError) -> Response:
        said = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
        return _told(request, 422, "invalid", said)

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        code = str(error.detail).lower().replace(" ", "_")
        return _told(request, error.status_code, code, str(error.detail), error.headers)

    return app


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield


def _told(
    request: Request, status: int, code: str, message: str, headers: object = None
) -> Response:
    """The error as JSON for programs, as a page for people."""
    given = dict(headers) if isinstance(headers, dict) else {}
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": {"code": code, "message": message}}, status, given)
    return error_page(status, message, given)


def _headers_of(error: RefusedError) -> dict[str, str]:
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if error.retry_after_s is not None:
        return {"Retry-After": str(error.retry_after_s)}
    return {}


def _static(name: str, request: Request) -> Response:
    file = static_files().get(name)
    if file is None:
        raise HTTPException(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    return packed(request, file.body, file.compressed, file.media_type, headers)
