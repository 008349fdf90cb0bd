"""The HTTP load generator beside guidellm: rate and CPU time per core, bias of the first token.

A stand-in server (``tests/stand_in_server.py``) on one core streams 16 tokens a reply and writes
down when it had read a request and when it wrote the first token; the generator has the other
core. Closed loops tell the highest rate, at the same concurrency and number of requests for both;
open loops below saturation tell the bias: the client's median time from sent to first token less
the server's own median. guidellm's CPU time a request is the difference of two runs of it, so that
its start is not in it.

    python benchmarks/http_generator.py [--requests 20000] [--guidellm PATH/TO/guidellm]

Targets: ten times guidellm's rate; a bias under 0.5 ms. Without ``--guidellm``: ours alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import uvloop

from wattmark.endpoints.address import Server
from wattmark.endpoints.arrivals import ClosedLoop, OpenLoop, poisson
from wattmark.endpoints.generator import Generator
from wattmark.endpoints.known_apis import api
from wattmark.endpoints.outcomes import Load

STAND_IN = Path(__file__).parents[1] / "tests" / "stand_in_server.py"
CONCURRENCY = 16
RATES_PER_S = (50, 200, 500)
PAUSE_S = 0.002
GUIDELLM_REQUESTS = (100, 600)


@contextlib.contextmanager
def stand_in(core: int, pause_s: float, times: Path) -> Iterator[str]:
    """A server in a process of its own; its times lie in ``times`` once it has ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["taskset", "-c", str(core), sys.executable, str(STAND_IN), str(port), str(times)]
    server = subprocess.Popen([*command, str(pause_s)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    server.stdout.readline()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def ours(url: str, schedule: OpenLoop | ClosedLoop) -> Load:
    """One load, on connections that are open already."""

    async def run() -> Load:
        server = Server(url)
        spoken = api("openai", max_tokens=16)
        asked = [server.http(spoken.ask("good", "hello there"), None)]
        async with Generator(server, spoken, asked) as generator:
            await generator.run(ClosedLoop(CONCURRENCY, 200))
            return await generator.run(schedule)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def guidellm(program: str, url: str, requests: int, folder: Path) -> tuple[float, float]:
    """Requests a second by its own report, and CPU seconds of its processes, start included."""
    prompts, out = folder / "prompts.jsonl", folder / "out.json"
    prompts.write_text('{"prompt": "hello there"}\n' * requests)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = f"target={url},model=good,validate_backend=false,http2=false,max_tokens=16"
    subprocess.run(
        [
            *(program, "run", "--disable-console", "--backend", f"kind=openai_http,{said}"),
            *("--profile", f"kind=concurrent,streams={CONCURRENCY}"),
            *("--constraint", f"kind=max_requests,count={requests}"),
            *("--data", f"kind=json_file,path={prompts}", "--output", f"kind=json,path={out}"),
        ],
        check=True,
        capture_output=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    (benchmark,) = json.loads(out.read_text())["benchmarks"]
    rate = benchmark["metrics"]["requests_per_second"]["successful"]["mean"]
    return float(rate), cpu_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--guidellm", help="its program, in an environment of its own")
    options = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    core = others[0] if others else first
    os.sched_setaffinity(0, {first})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = folder / "times.json"
        print("| closed loop, 16 tokens, one core | requests/s | CPU per request, ms |")
        print("| --- | ---: | ---: |")
        with stand_in(core, 0.0, times) as url:
            for concurrency in (1, CONCURRENCY):
                load = ours(url, ClosedLoop(concurrency, options.requests))
                rate = len(load.requests) / load.duration_ns * 1e9
                each_ms = load.cpu_ns / len(load.requests) / 1e6
                print(f"| ours, {concurrency} clients | {rate:.0f} | {each_ms:.3f} |", flush=True)
            if options.guidellm:
                few, many = (guidellm(options.guidellm, url, n, folder) for n in GUIDELLM_REQUESTS)
                each_ms = 1e3 * (many[1] - few[1]) / (GUIDELLM_REQUESTS[1] - GUIDELLM_REQUESTS[0])
                said = f"guidellm, {CONCURRENCY} clients"
                print(f"| {said} | {many[0]:.0f} | {each_ms:.1f} |", flush=True)
        print("\n| open loop | late p50 / p99, ms | first token: bias, ms | CPU per request, ms |")
        print("| --- | ---: | ---: | ---: |")
        for rate in RATES_PER_S:
            with stand_in(core, PAUSE_S, times) as url:
                load = ours(url, poisson(rate, rate * 5, seed=1))
            time.sleep(0.1)
            served_ns = [wrote - read for read, _, wrote in json.loads(times.read_text())][200:]
            seen_ns = [
                r.first_token_ns - r.sent_ns
                for r in load.requests
                if r.first_token_ns is not None and r.sent_ns is not None
            ]
            late = np.percentile([r.lateness_ns / 1e6 for r in load.requests], [50, 99])
            bias_ms = (np.median(seen_ns) - np.median(served_ns)) / 1e6
            each_ms = load.cpu_ns / len(load.requests) / 1e6
            print(
                f"| {rate}/s | {late[0]:.2f} / {late[1]:.2f} | {bias_ms:.2f} | {each_ms:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
