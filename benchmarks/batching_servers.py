"""Dynamic batching of a no-op model: ours in process and over HTTP, mosec and litserve.

One open-loop client sends the same Poisson schedule to each server in turn (interleaved, the order
turned round every time); a latency counts from the scheduled arrival, so a late client shows and
is reported. Max batch 8, wait 2 ms: both are inside the latency. Figures are medians over the
repeats, with the lowest and highest. Target: p50 and p99 no worse than mosec's.

    python benchmarks/batching_servers.py [--rates 100,300] [--seconds 4] [--repeats 5]

Servers whose package is not installed are left out (mosec 0.9.8, litserve 0.2.19; uvicorn for
ours). All listen on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import itertools
import json
import math
import os
import random
import select
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_BATCH = 8
WAIT_MS = 2
POLICY = f"dynamic:max_batch={MAX_BATCH},max_wait_ms={WAIT_MS}"
CONNECTIONS = 64
START_LIMIT_S = 60.0
GRACE_S = 5.0
WARM_UP = 50
#: Environment variable that tells a server process which one it is.
SERVED = "BATCHING_SERVERS_SERVED"
IN_PROCESS = "ours, in process"
#: server -> (package, path of its endpoint)
SERVERS = {
    "ours, uvicorn": ("uvicorn", "/inference"),
    "mosec": ("mosec", "/inference"),
    "litserve": ("litserve", "/predict"),
}


def double(queries: list[int]) -> list[int]:
    """The no-op model."""
    return [2 * query for query in queries]


# --- the servers, each in a process of its own -------------------------------------------------


def serve_ours(port: int) -> None:
    """The asyncio batcher behind uvicorn, as a bare ASGI application."""
    import uvicorn

    from wattmark.batching.asyncio_batcher import AsyncioBatcher
    from wattmark.batching.policy import parse_policy

    batcher: AsyncioBatcher | None = None

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        nonlocal batcher
        if scope["type"] != "http":
            return
        if batcher is None:
            batcher = AsyncioBatcher(parse_policy(POLICY), double)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        output = json.dumps({"y": await batcher.ask(json.loads(body)["x"])}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(output)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": output})

    uvicorn.run(
        app, host="127.0.0.1", port=port, log_level="warning", access_log=False, lifespan="off"
    )


def serve_mosec(port: int) -> None:
    """Mosec with one worker."""
    from mosec import Server, Worker

    class Double(Worker):
        def forward(self, data: list[Any]) -> list[Any]:
            return [{"y": y} for y in double([query["x"] for query in data])]

    sys.argv = ["mosec", "--address", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    server = Server()
    server.append_worker(
        Double, num=1, max_batch_size=MAX_BATCH, max_wait_time=WAIT_MS, start_method="fork"
    )
    server.run()


if os.environ.get(SERVED) == "litserve":  # its spawned worker looks for the class out here
    import litserve

    class LitDouble(litserve.LitAPI):
        """The no-op model for litserve."""

        def setup(self, device: str) -> None:
            self.model = double

        def decode_request(self, request):  # type: ignore[no-untyped-def]  # it reads annotations
            return request["x"]

        def batch(self, inputs: list[Any]) -> list[Any]:
            return list(inputs)

        def predict(self, x: list[Any]) -> list[Any]:
            return self.model(x)

        def unbatch(self, output: list[Any]) -> list[Any]:
            return output

        def encode_response(self, output: Any) -> dict[str, Any]:
            return {"y": output}


def serve_litserve(port: int) -> None:
    """Litserve with one worker."""
    api = LitDouble(max_batch_size=MAX_BATCH, batch_timeout=WAIT_MS / 1e3)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, log_level="warning", generate_client_file=False)


SERVE: dict[str, Callable[[int], None]] = {
    "ours, uvicorn": serve_ours,
    "mosec": serve_mosec,
    "litserve": serve_litserve,
}


@contextlib.contextmanager
def running(name: str) -> Iterator[int]:
    """A server in a process group of its own; gives its port once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(Path(__file__)), "--serve", name, "--port", str(port)]
    process = subprocess.Popen(
        command,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, SERVED: name},
    )
    try:
        request = http_request(SERVERS[name][1], 1)
        limit, answer = time.monotonic() + START_LIMIT_S, b"nothing"
        while True:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), timeout=5) as probe,
            ):
                probe.sendall(request)
                answer = probe.recv(4096)
                if b" 200 " in answer:
                    break
            if process.poll() is not None or time.monotonic() > limit:
                raise SystemExit(
                    f"{name} did not start: exit status {process.poll()}, "
                    f"its last answer was {answer.decode(errors='replace')!r}"
                )
            time.sleep(0.1)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


# --- the client ---------------------------------------------------------------------------------


@dataclass
class Measured:
    """One turn: latencies and lateness of the client, s; queries without a right answer."""

    latency_s: list[float]
    late_s: list[float]
    errors: int

    def quantiles_ms(self) -> tuple[float, float]:
        """p50 and p99 of the latency; NaN where nothing was answered."""
        if len(self.latency_s) < 2:
            return math.nan, math.nan
        cuts = statistics.quantiles(self.latency_s, n=100, method="inclusive")
        return 1e3 * cuts[49], 1e3 * cuts[98]


def schedule(rate: float, seconds: float, seed: int) -> list[int]:
    """Poisson arrivals, ns from the start; the first few warm up."""
    gap = random.Random(seed).expovariate
    gaps = (gap(rate) for _ in range(WARM_UP + int(rate * seconds)))
    return [int(1e9 * at) for at in itertools.accumulate(gaps)]


def http_request(path: str, x: int) -> bytes:
    body = json.dumps({"x": x}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def complete(answer: bytes) -> bool:
    """Whether the whole answer is there; all three servers give its length."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    _, given, rest = head.lower().partition(b"content-length:")
    return bool(blank and given) and len(body) >= int(rest.split(b"\r\n")[0])


def output_of(answer: bytes) -> int | None:
    """The output in a good answer; None for any other."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return json.loads(body)["y"] if head.startswith(b"HTTP/1.1 200") else None


def over_http(port: int, path: str, arrivals: list[int]) -> Measured:
    """Send on time over a pool of connections; ``select`` sleeps finer than a millisecond."""
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    everyone = list(idle)
    for connection in idle:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    busy: dict[socket.socket, tuple[int, int]] = {}
    partial: dict[socket.socket, bytes] = {}
    measured = Measured([], [], 0)
    start_ns = time.monotonic_ns() + 10_000_000
    end_ns = start_ns + arrivals[-1] + int(GRACE_S * 1e9)
    sent = 0
    while (sent < len(arrivals) or busy) and (now_ns := time.monotonic_ns()) < end_ns:
        while sent < len(arrivals) and start_ns + arrivals[sent] <= now_ns and idle:
            connection = idle.pop()
            connection.sendall(http_request(path, sent))
            busy[connection] = (sent, start_ns + arrivals[sent])
            if sent >= WARM_UP:
                measured.late_s.append((time.monotonic_ns() - start_ns - arrivals[sent]) / 1e9)
            sent += 1
        wake_ns = start_ns + arrivals[sent] if sent < len(arrivals) and idle else end_ns
        wait_s = max(0.0, (wake_ns - time.monotonic_ns()) / 1e9)
        for connection in select.select(list(busy), [], [], wait_s)[0]:
            partial[connection] = partial.get(connection, b"") + (data := connection.recv(4096))
            if data and not complete(partial[connection]):
                continue
            now_ns = time.monotonic_ns()
            number, arrival_ns = busy.pop(connection)
            answer = partial.pop(connection)
            right = output_of(answer) == 2 * number
            measured.errors += not right
            if right and number >= WARM_UP:
                measured.latency_s.append((now_ns - arrival_ns) / 1e9)
            if data:
                idle.append(connection)
    measured.errors += len(busy) + len(arrivals) - sent
    for connection in everyone:
        connection.close()
    return measured


def in_process(arrivals: list[int]) -> Measured:
    """The batcher for threads, handed in to from this one; no HTTP, no other process."""
    from wattmark.batching.batcher import AnsweredBatch, Batcher
    from wattmark.batching.policy import parse_policy

    done_ns: dict[int, int] = {}

    def told(answered: AnsweredBatch) -> None:
        now_ns = time.monotonic_ns()
        done_ns.update(
            (entry.number, now_ns)
            for entry, output in zip(answered.entries, answered.outputs, strict=True)
            if output == 2 * entry.number
        )

    late_s = []
    with Batcher(parse_policy(POLICY), double, told) as batcher:
        start_ns = time.monotonic_ns() + 10_000_000
        for number, arrival in enumerate(arrivals):
            while (wait_ns := start_ns + arrival - time.monotonic_ns()) > 0:
                time.sleep(wait_ns / 1e9)
            batcher.submit(number, arrival_ns=start_ns + arrival)
            late_s.append(-wait_ns / 1e9)
    latency_s = [
        (at_ns - start_ns - arrivals[number]) / 1e9
        for number, at_ns in done_ns.items()
        if number >= WARM_UP
    ]
    return Measured(latency_s, late_s[WARM_UP:], len(arrivals) - len(done_ns))


# --- the comparison -----------------------------------------------------------------------------


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} ({min(values):.2f} to {max(values):.2f})"


def compare(rates: list[float], seconds: float, repeats: int) -> None:
    with contextlib.ExitStack() as stack:
        turns: dict[str, Callable[[list[int]], Measured]] = {IN_PROCESS: in_process}
        for name, (package, path) in SERVERS.items():
            if importlib.util.find_spec(package) is None:
                print(f"{name} is left out: the package {package} is not installed here.")
                continue
            port = stack.enter_context(running(name))
            turns[name] = lambda arrivals, port=port, path=path: over_http(port, path, arrivals)
        print(f"{POLICY}; {repeats} turns of {seconds:g} s; ms; median (lowest to highest)")
        print(f"{'server':<18}{'rate/s':>7}  {'p50':<24}{'p99':<26}{'client late p99':<17}errors")
        for rate in rates:
            results: dict[str, list[Measured]] = {name: [] for name in turns}
            for turn in range(repeats):
                arrivals = schedule(rate, seconds, seed=turn)
                for name in list(turns)[:: -1 if turn % 2 else 1]:
                    results[name].append(turns[name](arrivals))
            for name, measured in results.items():
                p50, p99 = zip(*(one.quantiles_ms() for one in measured), strict=True)
                late_s = [sorted(one.late_s)[int(0.99 * len(one.late_s))] for one in measured]
                errors = sum(one.errors for one in measured)
                print(
                    f"{name:<18}{rate:>7g}  {spread(list(p50)):<24}{spread(list(p99)):<26}"
                    f"{1e3 * statistics.median(late_s):<17.2f}{errors}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rates", default="100,300")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--serve", choices=list(SERVE), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        SERVE[arguments.serve](arguments.port)
    else:
        rates = [float(rate) for rate in arguments.rates.split(",")]
        compare(rates, arguments.seconds, arguments.repeats)


if __name__ == "__main__":
    main()
