"""Messages between the conductor and a worker: JSON lines over a pair of pipes.

The pipes are not the worker's stdin and stdout, so nothing that a framework prints can spoil
them. Both ends block while they wait: nobody polls while a window is open.
"""

from __future__ import annotations

import json
import os
import select
from typing import Any

from wattmark.errors import WorkerError


class Channel:
    """One end of the conversation. ``read_fd`` and ``write_fd`` are owned and closed by it."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._buffer = b""

    def send(self, message: dict[str, Any]) -> None:
        """Write one message. Raises WorkerError("gone") if the other end has closed."""
        data = json.dumps(message).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._write_fd, data) :]
        except BrokenPipeError as error:
            raise WorkerError("gone", "the other end of the channel has closed") from error

    def receive(self, timeout_s: float | None = None) -> dict[str, Any] | None:
        """The next message, or None when the other end has closed.

        Raises WorkerError("hang") when nothing came within ``timeout_s``.
        """
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._read_fd], [], [], timeout_s)
            if not ready:
                raise WorkerError("hang", f"no answer within {timeout_s:g} s")
            chunk = os.read(self._read_fd, 65536)
            if not chunk:
                return None
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Close both pipes."""
        for fd in (self._read_fd, self._write_fd):
            os.close(fd)
