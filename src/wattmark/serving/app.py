"""The server: an ASGI application over a loaded model and the batcher, and how it is run."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from wattmark.batching.asyncio_batcher import AsyncioBatcher
from wattmark.batching.policy import BatchingPolicy
from wattmark.errors import InputError, WattmarkError
from wattmark.outside.listening import listening_socket
from wattmark.serving import oip_v2_routes, openai_routes
from wattmark.serving.loaded import LoadedModel
from wattmark.serving.refusals import status_of


def application(
    loaded: LoadedModel,
    policy: BatchingPolicy,
    *,
    max_queue: int,
    listening: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application; ``listening`` is called when it takes requests."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        batcher = AsyncioBatcher(loaded.policy(policy), loaded.answer, max_queue=max_queue)
        app.include_router(oip_v2_routes.routes(loaded, batcher))
        app.include_router(openai_routes.routes(loaded, batcher))
        app.state.drain = batcher.close
        listening()
        yield
        await batcher.close()

    app = FastAPI(title="Wattmark", lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.exception_handler(WattmarkError)
    async def refused(request: Request, error: WattmarkError) -> JSONResponse:
        return _refusal(request, status_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    async def unread(request: Request, error: RequestValidationError) -> JSONResponse:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return _refusal(request, 400, said)

    return app


def _refusal(request: Request, status: int, message: str) -> JSONResponse:
    """In the form of the protocol that was spoken."""
    if request.url.path.startswith("/v1"):
        kind = "invalid_request_error" if status < 500 else "server_error"
        return JSONResponse({"error": {"message": message, "type": kind}}, status)
    return JSONResponse({"error": message}, status)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises InputError."""
    try:
        return listening_socket(host, port)
    except OSError as error:
        raise InputError(f"cannot listen at {host}, port {port}: {error.strerror}") from error


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer requests until Ctrl-C, and what is under way then."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """What waits for company is answered now: the server waits for its replies."""
            super().handle_exit(sig, frame)
            self.loop.call_soon_threadsafe(self.drain)

        def drain(self) -> None:
            self.draining = self.loop.create_task(app.state.drain())

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            self.loop = asyncio.get_running_loop()
            await super().startup(sockets)

    settings = uvicorn.Config(app, log_level="warning", access_log=False)
    try:
        Server(settings).run(sockets=[listening])
    except KeyboardInterrupt:
        return
