"""``wattmark board`` as a user meets it: own runs in a page, and what a maintainer types."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from synthetic_run import MEASURED, make_result, make_run

from wattmark.records import Run
from wattmark.store import Store

COMMAND = [sys.executable, "-c", "from wattmark.cli import main; main()", "board"]


def board(*arguments: object, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=os.environ,
        capture_output=True,
        text=True,
        input=said,
        check=False,
    )


@contextmanager
def served(*arguments: object) -> Iterator[str]:
    """A board that is served: its address."""
    command = [*COMMAND, "serve", "--port", "0", *map(str, arguments)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    lines = []
    try:
        for line in server.stderr:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found[0]
                return
        raise AssertionError("".join(lines))
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()


def page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        text: str = answer.read().decode()
    return text


@pytest.fixture
def own_run() -> Run:
    """A finished run in the user's store."""
    results = [make_result(label, *figures) for label, figures in MEASURED.items()]
    run = make_run(results)
    with Store.open() as store:
        store.begin(run.id, run.created_at, run.plan, run.model, run.task, run.environment)
        store.finish(run)
    return run


@pytest.mark.slow
def test_one_command_shows_what_was_measured_here(own_run: Run) -> None:
    with served() as address:
        assert "text-classification" in page(address)
        leaderboard = page(f"{address}/tasks/text-classification")
    assert leaderboard.count("minilm-l6-sentiment") >= 9
    assert "★" in leaderboard

    with served() as address:  # the same runs are not put there twice
        assert "9 results" in page(f"{address}/tasks/text-classification")


@pytest.mark.slow
def test_a_shared_board_shows_what_a_maintainer_accepts(own_run: Run, tmp_path: Path) -> None:
    database = ("--database", f"sqlite:///{tmp_path / 'shared.db'}")
    token = board("token", "create", "acme", "--scope", "submit", *database).stdout.strip()
    secret = tmp_path / "token"
    secret.write_text(token)
    with served(*database) as address:
        assert "No result is on this board yet" in page(address)
        sent = board("submit", own_run.id, "--to", address, "--token-file", secret)
        assert sent.returncode == 0, sent.stderr
        assert "queued" in sent.stdout

        queued = board("queue", *database).stdout
        digest = re.search(r"\b[0-9a-f]{12}\b", queued)
        assert digest is not None, queued
        assert board("accept", digest[0], *database).returncode == 0

        assert "9 results" in page(f"{address}/tasks/text-classification")
    assert board("verify", *database).stdout == "as it was\n"


@pytest.mark.slow
def test_an_edition_is_frozen_and_exported(own_run: Run, tmp_path: Path) -> None:
    with served() as address:
        name = re.findall(r"\d{4}-H[12]", page(f"{address}/editions"))[0]

    frozen = board("edition", "freeze", name)
    exported = board("export", name, "--out", tmp_path / "results.csv")

    assert "digest" in frozen.stdout
    assert exported.returncode == 0, exported.stderr
    assert "minilm-l6-sentiment" in (tmp_path / "results.csv").read_text()
    assert board("edition", "freeze", name).returncode != 0
    assert board("verify").stdout == "as it was\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("accept", "0000"), "unknown queued bundle '0000'"),
        (("queue", "--status", "lost"), "unknown status 'lost'"),
        (("queue", "--database", "nothing://"), "cannot be used"),
        (("serve", "--database", "postgresql://nobody@127.0.0.1:1/none"), "cannot be opened"),
        (("edition", "open", "soon"), "half-year"),
        (("edition", "freeze", "2026-H1"), "no edition"),
    ],
)
def test_mistakes_are_told(
    wattmark: Callable[..., Any], arguments: tuple[str, ...], said: str
) -> None:
    done = wattmark("board", *arguments)
    assert done.code != 0
    assert said in done.err


@pytest.mark.slow
def test_a_port_that_is_taken_is_told() -> None:
    with served() as address:
        port = address.rpartition(":")[2]
        done = board("serve", "--port", port)
    assert done.returncode != 0
    assert "try another --port" in done.stderr
