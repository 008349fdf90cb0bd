"""Serves a board in a process that is forked for each line on its input, to be killed at will.

    python forking_board.py URL FD

URL is the database, FD a socket that listens already. The numbers of the processes go to the
output. The application is made before, and a submission gone through on another board, so that a
new process answers within some hundredths of a second.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
import uvicorn.loops.auto
from api_boards import get
from boards import a_run, accepted
from starlette.testclient import TestClient

from wattmark.board.shelf.database import Database
from wattmark.board.web.app import application
from wattmark.board.web.services import Services


def warm_up() -> None:
    with (
        TemporaryDirectory() as folder,
        Database.open(f"sqlite:///{Path(folder) / 'board.db'}") as database,
    ):
        accepted(database, a_run())


def main() -> None:
    url, listening = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    warm_up()
    with Database.open(url) as database:
        app = application(Services(database, "http://127.0.0.1"))
        get(TestClient(app), "/openapi.json")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        server.config.load()
        database.engine.dispose()  # each process has connections of its own
        gc.collect()
        gc.freeze()  # a collection in the new process would copy all memory
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
        for _ in sys.stdin:
            pid = os.fork()
            if pid == 0:
                server.run(sockets=[listening])
                os._exit(0)
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
