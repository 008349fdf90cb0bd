"""A small server that speaks as OpenAI-compatible ones do, behaves as its model's name says, and
writes down its own true times. For benchmarks: ``python stand_in_server.py PORT TIMES [PAUSE_S]``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Tokens of a reply, and the pause between two of them.
TOKENS, PAUSE_S = 16, 0.0
MODELS = (
    "good",
    "uncounted",
    "whole",
    "stalls",
    "half-closed",
    "malformed",
    "busy",
    "broken",
    "strict",
)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(value: dict[str, Any]) -> bytes:
    return _chunk(b"data: " + json.dumps(value).encode() + b"\n\n")


_TOKEN = _event({"object": "chat.completion.chunk", "choices": [{"delta": {"content": "a "}}]})
_USAGE = {"prompt_tokens": 3, "completion_tokens": TOKENS}
_END = _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def _answer(status: str, value: dict[str, Any]) -> bytes:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


class StandIn(asyncio.Protocol):
    """One connection; ``times`` of all of them, in ns.

    Each is (request complete, about to write the first token, first token written).
    """

    times: list[tuple[int, int, int]] = []
    keys: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        self.rest += data
        head, blank, body = self.rest.partition(b"\r\n\r\n")
        if not blank:
            return
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"Content-Length" in line
        )
        if len(body) < length:
            return
        self.rest = body[length:]
        for line in head.split(b"\r\n"):
            if line.startswith(b"Authorization"):
                self.keys.add(line.decode())
        asked = json.loads(body[:length])
        if asked.get("model") == "strict":
            refused = [name for name in ("stream_options", "temperature") if name in asked]
            if refused:
                said = {"error": {"message": f"Unsupported parameter: {refused[0]}"}}
                self.transport.write(_answer("400 Bad Request", said))
                return
            asked["model"] = "uncounted"
        self.reply(asked.get("model", ""), head)

    def reply(self, model: str, head: bytes) -> None:
        received_ns = time.monotonic_ns()
        write = self.transport.write
        if model in ("good", "uncounted"):
            if PAUSE_S:
                asyncio.get_running_loop().create_task(self.slowly(received_ns))
                return
            writing_ns = time.monotonic_ns()
            write(_STREAM + _TOKEN)
            self.times.append((received_ns, writing_ns, time.monotonic_ns()))
            for _ in range(TOKENS - 1):
                write(_TOKEN)
            write((_event({"choices": [], "usage": _USAGE}) if model == "good" else b"") + _END)
        elif model == "whole":
            choice = {"message": {"content": "all of it"}}
            write(_answer("200 OK", {"choices": [choice], "usage": _USAGE}))
        elif model == "stalls":
            write(_STREAM + _TOKEN)
        elif model == "half-closed":
            write(_STREAM + _TOKEN)
            self.transport.close()
        elif model == "malformed":
            write(_STREAM + _chunk(b"data: {not json\n\n") + _END)
        elif model == "busy":
            write(_answer("429 Too Many Requests", {"error": "slow down"}))
        elif model == "broken":
            said = next((x.decode() for x in head.split(b"\r\n") if b"Authorization" in x), "")
            write(_answer("500 Oops", {"error": f"failed for {said}"}))
        else:
            write(_answer("404 Not Found", {"error": {"message": f"no model {model!r}"}}))

    async def slowly(self, received_ns: int) -> None:
        writing_ns = time.monotonic_ns()
        self.transport.write(_STREAM + _TOKEN)
        self.times.append((received_ns, writing_ns, time.monotonic_ns()))
        for _ in range(TOKENS - 1):
            await asyncio.sleep(PAUSE_S)
            self.transport.write(_TOKEN)
        self.transport.write(_event({"choices": [], "usage": _USAGE}) + _END)


@contextmanager
def served() -> Iterator[str]:
    """A stand-in on a free port, in a thread; gives its URL."""
    ready: list[Any] = []
    up = threading.Event()

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(StandIn, "127.0.0.1", 0)
        stop = asyncio.Event()
        ready.extend([server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop])
        up.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    up.wait(10)
    port, loop, stop = ready
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _forever(port: int, times: str) -> None:
    server = await asyncio.get_running_loop().create_server(StandIn, "127.0.0.1", port)
    stop = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(15, lambda: stop.set_result(None))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stop
    server.close()
    with open(times, "w", encoding="utf-8") as file:  # noqa: PTH123 - kept short for a script
        json.dump(StandIn.times, file)


if __name__ == "__main__":
    import uvloop

    PAUSE_S = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_forever(int(sys.argv[1]), sys.argv[2]))
