"""A board that is killed while it takes submissions loses none that it acknowledged, and has no
halves: neither of a bundle nor of its acceptance.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from queue import Empty, Queue
from random import Random
from threading import Event, Thread

import pytest
from sqlalchemy import Connection, func, select
from synthetic_run import BASELINE, make_result, make_run

from wattmark.board.intake import submissions
from wattmark.board.intake.submissions import Status
from wattmark.board.people import tokens
from wattmark.board.people.tokens import Scope
from wattmark.board.shelf import audit_log, catalogue, standings, tables
from wattmark.board.shelf.database import Database
from wattmark.board.shelf.verification import problems
from wattmark.records import Bundle, bundle_of

#: On each of the two databases
KILLS = 25
SENDERS = 2
SERVER = Path(__file__).with_name("forking_board.py")
_B, _R, _S = tables.bundles, tables.results, tables.standings


@dataclass
class Clients:
    """Senders, and a maintainer who accepts; each asks until it has an answer."""

    port: int
    token: str
    answered: Event = field(default_factory=Event)
    stopped: Event = field(default_factory=Event)
    received: Queue[str] = field(default_factory=Queue)
    #: digests of bundles whose receipt, or acceptance, was acknowledged
    acknowledged: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)

    def send(self, sender: int) -> None:
        for number in count(sender, SENDERS):
            bundle = a_bundle(number)
            if not self._ask("/api/v1/bundles", bundle.document, (200, 201)):
                return
            self.acknowledged.append(bundle.digest)
            self.received.put(bundle.digest)

    def accept(self) -> None:
        while not self.stopped.is_set():
            try:
                digest = self.received.get(timeout=0.05)
            except Empty:
                continue
            path = f"/api/v1/bundles/{digest}/decision"
            # 409: it was decided, and the board was killed before it could say so
            if self._ask(path, b'{"decision": "accept"}', (200, 409)):
                self.accepted.append(digest)

    def _ask(self, path: str, body: bytes, good: tuple[int, ...]) -> bool:
        """Ask until there is an answer; False where the test is over before."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        while not self.stopped.is_set():
            connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                said = response.read()
            except (OSError, HTTPException):
                time.sleep(0.002)
                continue
            finally:
                connection.close()
            self.answered.set()
            if response.status in good:
                return True
            self.refused.append(said)
        return False


def a_bundle(number: int) -> Bundle:
    """A run of two setups; ten machines take turns, so that populations stay small."""
    results = [
        make_result(BASELINE, 17.1, 1 + number / 1000, 842),
        make_result("onnxruntime/cpu/fp32", 10.4, 0.61 + number / 1000, 842),
    ]
    run = make_run(results, id=f"20260101-12{number:04d}-durability")
    machine = run.environment.model_copy(update={"cpu_model": f"machine {number % 10}"})
    model = run.model.model_copy(update={"name": f"model-{number}"})
    renamed = tuple(
        r.model_copy(update={"trial": r.trial.model_copy(update={"model": model.name})})
        for r in run.results
    )
    changes = {"environment": machine, "model": model, "results": renamed}
    return bundle_of(run.model_copy(update=changes))


@contextmanager
def killable(url: str) -> Iterator[tuple[int, Callable[[], int]]]:
    """The port of a board, and what starts a process that serves it: its number."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        fd = listening.fileno()
        with subprocess.Popen(
            [sys.executable, str(SERVER), url, str(fd)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[fd],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as forking:
            assert forking.stdin is not None and forking.stdout is not None

            def start() -> int:
                forking.stdin.write("\n")
                forking.stdin.flush()
                return int(forking.stdout.readline())

            try:
                yield listening.getsockname()[1], start
            finally:
                forking.stdin.close()


@pytest.mark.slow
def test_a_kill_loses_nothing_and_leaves_no_halves(database: Database, database_url: str) -> None:
    with database.writing() as connection:
        token = tokens.create(connection, "test", list(Scope), by="test")
    random = Random(20261127)
    with killable(database_url) as (port, start):
        clients = Clients(port, token)
        threads = [Thread(target=clients.send, args=(n,)) for n in range(SENDERS)]
        threads.append(Thread(target=clients.accept))
        for thread in threads:
            thread.start()
        try:
            for _ in range(KILLS):
                clients.answered.clear()
                serving = start()
                answered = clients.answered.wait(timeout=30)
                time.sleep(random.uniform(0.0, 0.15))
                os.kill(serving, signal.SIGKILL)
                assert answered, "a board that was started anew does not answer"
        finally:
            clients.stopped.set()
            for thread in threads:
                thread.join()
    assert clients.refused == []
    assert_whole(database, clients)


def assert_whole(database: Database, clients: Clients) -> None:
    """What was acknowledged is there; what is there is there with all that belongs to it."""
    with database.reading() as connection:
        assert list(problems(connection)) == []
        bundles = {s.digest: s for s in submissions.listed(connection, limit=100_000)}
        # each kill came after an answer; how many of them accepted depends on the machine's speed
        assert len(clients.acknowledged) + len(clients.accepted) >= KILLS
        assert clients.accepted
        assert set(clients.acknowledged) <= set(bundles)
        assert {bundles[digest].status for digest in clients.accepted} == {Status.ACCEPTED}

        done = {d for d, s in bundles.items() if s.status is Status.ACCEPTED}
        assert {s.status for s in bundles.values()} <= {Status.ACCEPTED, Status.QUEUED}
        there = select(_R.c.bundle, func.count()).group_by(_R.c.bundle)
        assert dict(connection.execute(there).tuples().all()) == dict.fromkeys(done, 2)
        placed = there.join(_S, _S.c.result_id == _R.c.id)
        assert dict(connection.execute(placed).tuples().all()) == dict.fromkeys(done, 2)

        log = Counter((e.action, e.subject) for e in _log(connection))
        said = {("submit", d) for d in bundles} | {("accept", d) for d in done}
        assert {k: n for k, n in log.items() if k[0] in ("submit", "accept")} == dict.fromkeys(
            said, 1
        )
        (edition,) = catalogue.editions(connection)
        stars = _stars(connection)
    with database.writing() as connection:
        standings.rerate(connection, edition.name)
        assert _stars(connection) == stars


def _log(connection: Connection) -> Iterator[audit_log.LogEntry]:
    after = 0
    while entries := audit_log.entries(connection, after=after, limit=1000):
        yield from entries
        after = entries[-1].seq


def _stars(connection: Connection) -> list[object]:
    columns = [_S.c[n] for n in ("result_id", "stars", "probability", "distance_pct")]
    return list(connection.execute(select(*columns).order_by(_S.c.result_id)).all())
