"""Bodies of requests are limited while they come in, whatever the application does with them.

Too large a body is refused at its ``Content-Length``, or at the chunk that exceeds the limit; the
application then sees a client that has gone. A packed body is refused too: it may be of any size
once unpacked.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: How long, in seconds, what a refused client still sends is read and thrown away. A connection
#: that is closed on unread data is reset, and the client may lose the reply that says why.
LINGER_S = 5.0


class BodyLimit:
    """ASGI middleware: at most so many bytes a request, 413 or 415 in JSON beyond it.

    Where the response had begun already it just ends.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self.app, self.most_bytes = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = scope["headers"]
        encodings = {v.strip().lower() for k, v in headers if k == b"content-encoding"}
        lengths = [value for name, value in headers if name == b"content-length"]
        request = _Request(receive, send, self.most_bytes)
        held_back = any(name == b"expect" for name, _ in headers)
        if encodings - {b"identity", b""}:
            await request.refuse(415, "unsupported_encoding", "send the body unpacked", held_back)
        elif any(_exceeds(length, self.most_bytes) for length in lengths):
            await request.refuse_size(held_back)
        else:
            await request.answer(self.app, scope)


class _Request:
    """A request that is under way; its ``receive`` and ``send`` are what the application gets."""

    def __init__(self, receive: Receive, send: Send, most_bytes: int) -> None:
        self._receive, self._send, self._most_bytes = receive, send, most_bytes
        self._received = 0
        self._responding = False
        self._over = False

    async def answer(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self.receive, self.send)
        except ClientDisconnect:
            if not self._over:
                raise

    async def receive(self) -> Message:
        if self._over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received <= self._most_bytes:
            return message
        self._over = True
        if not self._responding:
            await self.refuse_size(not message.get("more_body", False))
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if not self._over:
            self._responding = True
            await self._send(message)

    async def refuse_size(self, nothing_follows: bool) -> None:
        said = f"the body exceeds {self._most_bytes} bytes, which is the most that is taken"
        await self.refuse(413, "too_large", said, nothing_follows)

    async def refuse(self, status: int, code: str, message: str, nothing_follows: bool) -> None:
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        if not nothing_follows:
            await self._linger()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + LINGER_S
        try:
            async with asyncio.timeout_at(end):
                while clock() < end and (await self._receive()).get("more_body", False):
                    pass
        except TimeoutError:
            return


def _exceeds(length: bytes, most_bytes: int) -> bool:
    """Whether a ``Content-Length`` does; one that is no number is left to the server to refuse."""
    digits = length.strip().lstrip(b"0")
    return digits.isdigit() and (len(digits) > 18 or int(digits) > most_bytes)
