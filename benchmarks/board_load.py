"""The board with 100 000 results on PostgreSQL, one worker, under 100 requests a second.

Requests leave at times that were drawn beforehand (a Poisson process), on connections that stay
open, from a process of its own; a latency counts from the time that was drawn, so that a request
which had to wait for a connection is not a quicker one. Each mix starts after a change of the
board, with no page in its memory:

- same: the leaderboard of one task, again and again
- usual: tasks, filters, orders and pages by Zipf's law, as people use a board
- different: every request has another address, so that no page is ever there already

Then: bytes of a task's page, how soon Chromium shows it with nothing in its cache (plain, and over
the line that Lighthouse assumes for a desktop: 40 ms, 10 Mbit/s), and how long a bundle takes to
be received, and accepted into a population of 1 000.

    python benchmarks/board_load.py [--database URL] [--results 100000] [--seconds 60]

Without a URL it starts a PostgreSQL of its own; the database of a URL is filled if it is empty.
Targets: p99 under 50 ms; a page under 60 kB without the chart library; ready in under 0.6 s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import gzip
import itertools
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import uvloop
from large_board import MACHINES, SETUPS, fill
from sqlalchemy import func, select

from wattmark import registry
from wattmark.board.people import tokens
from wattmark.board.shelf import tables
from wattmark.board.shelf.database import Database
from wattmark.records import bundle_of

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "board")]

SERVE = (str(Path(sys.executable).parent / "wattmark"), "board", "serve", "--no-own-runs")
CHROMIUM = "/usr/bin/chromium"
TASK = "text-classification"
CONNECTIONS = 64
PAGE_LOADS = 10
SUBMISSIONS = 10
#: Lighthouse's desktopDense4G (core/config/constants.js): ms, and bytes a second.
DESKTOP_LINE = {"latency": 40, "throughput": 10 * 1024 * 1024 / 8}
_READY = """() => {
  const [it] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return [paint.startTime, Math.max(window.largest ?? 0, it.loadEventEnd)];
}"""
_WATCH = """new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.largest = entry.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });"""
_DRAWN = """() => new Promise((done) => {
  const chart = document.querySelector(".chart"), start = performance.now();
  const look = () =>
    chart.querySelector("svg") ? done(performance.now() - start) : setTimeout(look, 5);
  chart.scrollIntoView();
  look();
})"""


@dataclass(frozen=True)
class Loaded:
    """Latencies in ms, errors, answers a second, and how late the client itself was (ms, p99)."""

    latencies_ms: list[float]
    errors: int
    answered_per_s: float
    late_ms: float


def mixes(requests: int) -> dict[str, list[str]]:
    """The addresses of each mix, as many as requests."""
    rng = np.random.default_rng(11)
    every = _addresses()
    rng.shuffle(every)
    first = [f"/tasks/{name}" for name in registry.names("task")]
    ranked = [*first, *every[:600]]
    weights = 1 / np.arange(1, len(ranked) + 1)
    usual = rng.choice(len(ranked), requests, p=weights / weights.sum())
    different = every[600 : 600 + requests]
    assert len(different) == requests
    return {
        "same": [first[0]] * requests,
        "usual": [ranked[i] for i in usual],
        "different": different,
    }


def _addresses() -> list[str]:
    """Every leaderboard with up to two filters, an order, and one of the first three pages."""
    values: dict[str, list[str]] = {
        "framework": sorted({setup.split("/")[0] for setup in SETUPS}),
        "precision": sorted({setup.split("/")[2] for setup in SETUPS}),
        "hardware": sorted(MACHINES),
        "grade": sorted(set(MACHINES.values())),
        "stars": ["3", "4", "5"],
    }
    one = [(name, value) for name, its in values.items() for value in its]
    two = [pair for pair in itertools.combinations(one, 2) if pair[0][0] != pair[1][0]]
    filters: list[dict[str, str]] = [{}, *({k: v} for k, v in one), *(dict(pair) for pair in two)]
    return [
        f"/tasks/{task}?{urlencode(filter_ | {'order': order, 'page': page})}"
        for task in registry.names("task")
        for filter_ in filters
        for order in ("energy", "quality", "latency")
        for page in (1, 2, 3)
    ]


def load(port: int, addresses: list[str], rate_per_s: float) -> Loaded:
    """Ask for the addresses at the rate, whatever the answers take."""
    gaps = np.random.default_rng(5).exponential(1 / rate_per_s, len(addresses))
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_load(port, addresses, np.cumsum(gaps).tolist()))


async def _load(port: int, addresses: list[str], at_s: list[float]) -> Loaded:
    clock = asyncio.get_running_loop().time
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    free = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port, limit=2**20))
    start = clock() + 0.2
    latencies, late, errors = [], [], 0

    async def ask(address: str, due: float) -> None:
        nonlocal errors
        await asyncio.sleep(due - clock())
        if not free.empty():
            late.append(clock() - due)
        reader, writer = await free.get()
        said = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
        writer.write(said.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        latencies.append(1e3 * (clock() - due))
        errors += not (head.startswith(b"HTTP/1.1 200") and body[:2] == b"\x1f\x8b")
        free.put_nowait((reader, writer))

    await asyncio.gather(*(ask(a, start + at) for a, at in zip(addresses, at_s, strict=True)))
    answered_per_s = len(latencies) / (clock() - start)
    return Loaded(latencies, errors, answered_per_s, 1e3 * float(np.percentile(late, 99)))


def busy_cores(seconds: float = 2.0) -> float:
    """How many cores are at work while this process sleeps."""

    def ticks() -> int:
        user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().split()[1:9])
        return user + nice + system + sum(rest[:2])

    before = ticks()
    time.sleep(seconds)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database, on a server of its own."""
    import real_postgresql

    with real_postgresql.cluster(fsync="on", shared_buffers="256MB") as folder:
        yield real_postgresql.new_url(folder)


@contextlib.contextmanager
def serving(url: str) -> Iterator[tuple[int, int]]:
    """A board with one worker: its port and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([*SERVE, "--database", url, "--port", str(port)])
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield port, server.pid
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def prepared(database: Database, results: int) -> None:
    """Fill an empty board, and let PostgreSQL count its rows as its autovacuum would."""
    with database.reading() as connection:
        there = connection.scalar(select(func.count()).select_from(tables.results))
    if not there:
        start = time.monotonic()
        fill(database, results)
        print(f"{results} results put on the board in {time.monotonic() - start:.0f} s\n")
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def print_load(
    database: Database, port: int, pid: int, rate_per_s: float, seconds: float, repeats: int
) -> None:
    requests = round(rate_per_s * seconds)
    print(
        f"| {rate_per_s:g} requests/s, {seconds:g} s | others' cores | p50, ms | p90 | p99 | max "
        "| answered/s | errors | server's CPU a request, ms | client late (p99), ms |"
    )
    print(f"| --- {'| ---: ' * 9}|", flush=True)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        apart.submit(load, port, ["/tasks/none"] * 10, 10.0).result()
        for name, addresses in mixes(requests).items():
            p99s = []
            for _ in range(repeats):
                with database.writing():  # a change: the board forgets its pages
                    pass
                busy, before = busy_cores(), cpu_s(pid)
                got = apart.submit(load, port, addresses, rate_per_s).result()
                each_ms = 1e3 * (cpu_s(pid) - before) / requests
                p50, p90, p99, most = np.percentile(got.latencies_ms, [50, 90, 99, 100])
                p99s.append(p99)
                print(
                    f"| {name} | {busy:.2f} | {p50:.1f} | {p90:.1f} | {p99:.1f} | {most:.0f} "
                    f"| {got.answered_per_s:.0f} | {got.errors} | {each_ms:.1f} "
                    f"| {got.late_ms:.1f} |",
                    flush=True,
                )
            best, middle = min(p99s), statistics.median(p99s)
            print(f"| {name}: p99, least and median | | | | {best:.1f}, {middle:.1f} | | | | | |")


def print_bytes(port: int) -> None:
    """What a browser fetches for a task's page, as it is sent, without the chart library."""
    here = f"http://127.0.0.1:{port}"
    page = _sent(f"{here}/tasks/{TASK}")
    names = re.findall(rb'(?:href|src)="(/static/[^"]+)"', gzip.decompress(page))
    parts = {f"/tasks/{TASK}": len(page)}
    parts |= {name.decode(): len(_sent(here + name.decode())) for name in names}
    for name, size in parts.items():
        print(f"{name}: {size / 1e3:.1f} kB")
    print(f"together, compressed: {sum(parts.values()) / 1e3:.1f} kB (target 60)\n", flush=True)


def _sent(address: str) -> bytes:
    request = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def print_page_ready(port: int) -> None:
    """Medians of loads with an empty browser cache; ready: loaded, and its largest part shown."""
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    print("| page in Chromium, ms | first paint | ready | slowest | chart, once scrolled to |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=options)
        for name, line in (("loopback", None), ("Lighthouse's desktop line", DESKTOP_LINE)):
            times = []
            for _ in range(PAGE_LOADS):
                context = browser.new_context(viewport={"width": 1350, "height": 940})
                page = context.new_page()
                page.add_init_script(_WATCH)
                if line is not None:
                    session = context.new_cdp_session(page)
                    session.send(
                        "Network.emulateNetworkConditions",
                        {
                            "offline": False,
                            "latency": line["latency"],
                            "downloadThroughput": line["throughput"],
                            "uploadThroughput": line["throughput"],
                        },
                    )
                page.goto(f"http://127.0.0.1:{port}/tasks/{TASK}", wait_until="load")
                page.wait_for_timeout(200)
                times.append([*page.evaluate(_READY), page.evaluate(_DRAWN)])
                context.close()
            paint, ready, drawn = np.median(times, axis=0)
            slowest = max(ready for _, ready, _ in times)
            print(
                f"| {name} | {paint:.0f} | {ready:.0f} | {slowest:.0f} | {drawn:.0f} |", flush=True
            )
        browser.close()
    print()


def print_submissions(database: Database, port: int) -> None:
    """Bundles of nine results, sent and accepted over HTTP, into a population of 1 000."""
    import boards

    scopes = list(tokens.Scope)
    with database.writing() as connection:
        token = tokens.create(connection, "benchmark", scopes, by="benchmark")
    received, accepted = [], []
    for number in range(SUBMISSIONS):
        run = boards.a_run(int(time.time()) % 10**6 + number, model=f"new/model-{number}")
        bundle = bundle_of(run)
        for times, path, body in (
            (received, "bundles", bundle.document),
            (accepted, f"bundles/{bundle.digest}/decision", b'{"decision": "accept"}'),
        ):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/api/v1/{path}",
                data=body,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
            start = time.monotonic()
            with urllib.request.urlopen(request) as answer:
                answer.read()
            times.append(1e3 * (time.monotonic() - start))
    for name, times in (("received", received), ("accepted", accepted)):
        median, most = statistics.median(times), max(times)
        print(
            f"a bundle of 9 results is {name} in {median:.0f} ms (slowest {most:.0f})", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--database", metavar="URL")
    parser.add_argument("--results", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=100, help="requests a second")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    given = contextlib.nullcontext(options.database)
    with given if options.database else postgresql() as url, Database.open(url) as database:
        prepared(database, options.results)
        with serving(url) as (port, pid):
            print_bytes(port)
            print_load(database, port, pid, options.rate, options.seconds, options.repeats)
            print()
            print_page_ready(port)
            print_submissions(database, port)


if __name__ == "__main__":
    main()
