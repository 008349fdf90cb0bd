"""The board as a server on a socket, until Ctrl-C."""

from __future__ import annotations

import gc
import socket
import sys

from wattmark.board.shelf.database import Database
from wattmark.board.web.app import application
from wattmark.board.web.rendering import load_templates
from wattmark.board.web.services import Services
from wattmark.board.web.static_files import static_files
from wattmark.errors import BoardError
from wattmark.outside.listening import listening_socket

#: Seconds that an idle connection is kept.
_KEEP_ALIVE_S = 15
#: Seconds after which a thread that makes a page lets another one go on. An answer from memory
#: waits for its turn several times; Python's 5 ms each would add up.
_SWITCH_S = 0.0005


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises BoardError."""
    try:
        return listening_socket(host, port)
    except OSError as error:
        raise BoardError(
            f"cannot listen at {host}, port {port}: {error.strerror}; try another --port"
        ) from error


def run(database: Database, listening: socket.socket, address: str) -> None:
    """Answer requests; those that are under way at Ctrl-C are finished."""
    import uvicorn

    app = application(Services(database, address.rstrip("/")))
    settings = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=10,
    )
    load_templates()
    static_files()
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()  # what is loaded stays, so that no pause goes through it again
    try:
        uvicorn.Server(settings).run(sockets=[listening])
    except KeyboardInterrupt:
        return
