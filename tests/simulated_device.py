"""A device or service on loopback that answers over HTTP as the test tells it to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# The clock of a device stands still: a sample has one age, however often and late it is asked.
NOW_S = int(time.time())


class SimulatedDevice:
    """``answers`` maps a path to a document, or to a function of the request that gives one.

    A document that is bytes is sent as it is; a pair is a status and a document. ``requests``
    has the headers and queries of all requests so far. Its clock is ``late_s`` behind.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.late_s = 0.0
        self.requests: list[tuple[str, dict[str, str], dict[str, list[str]]]] = []

    def answer(self, path: str, headers: dict[str, str], query: str) -> tuple[int, bytes]:
        self.requests.append((path, headers, parse_qs(query)))
        found = self.answers.get(path, (404, b"not found"))
        if callable(found):
            found = found(headers)
        status, document = found if isinstance(found, tuple) else (200, found)
        return status, document if isinstance(document, bytes) else json.dumps(document).encode()


@contextmanager
def simulated_device() -> Iterator[SimulatedDevice]:
    """A device that listens on a free port of loopback for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = device.answer(parts.path, dict(self.headers), parts.query)
            with suppress(ConnectionError):  # of a client that gave up waiting
                self.send_response(status)
                for name, value in device.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(NOW_S - device.late_s, usegmt=True)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        device = SimulatedDevice(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield device
        finally:
            server.shutdown()
            thread.join()
