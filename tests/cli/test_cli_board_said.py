"""What the verbs of a board print and hand on, on a board in a file."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
import typer
from synthetic_run import MEASURED, make_result, make_run
from typer.testing import CliRunner, Result

from wattmark.board.intake import client, local_runs
from wattmark.board.intake.client import Receipt
from wattmark.board.people import maintainers, tokens
from wattmark.board.shelf import standings, times, verification
from wattmark.board.shelf.database import Database
from wattmark.board.web import server
from wattmark.cli.board import database as database_module
from wattmark.cli.board.token import _state
from wattmark.cli.main import app
from wattmark.errors import BoardError, InputError, RefusedError, UnknownNameError
from wattmark.records import bundle_of
from wattmark.workflows import runs

RUN = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
BUNDLE = bundle_of(RUN)
DIGEST = BUNDLE.digest[:12]


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A board in a file that the environment names, and a run to send."""
    monkeypatch.setenv("WATTMARK_BOARD_DATABASE", f"sqlite:///{tmp_path / 'board.db'}")
    monkeypatch.setattr(runs, "bundle", lambda name: BUNDLE)
    monkeypatch.setattr(database_module.getpass, "getuser", lambda: "ada@lab")
    monkeypatch.setattr(times, "today", lambda: "2026-06-01")
    monkeypatch.delenv("WATTMARK_BOARD_TOKEN", raising=False)
    return tmp_path


def board(*arguments: object, said: str = "") -> Result:
    return CliRunner().invoke(app, ["board", *map(str, arguments)], input=said)


def told(*arguments: object, said: str = "") -> str:
    done = board(*arguments, said=said)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_who_types_is_named_without_a_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    assert database_module.actor() == "cli:ada"

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr(database_module.getpass, "getuser", nobody)
    monkeypatch.setattr(database_module.os, "getuid", lambda: 1234)
    assert database_module.actor() == "cli:1234"


def test_a_run_is_queued_once_and_accepted_by_the_start_of_its_digest(desk: Path) -> None:
    first = told("submit").splitlines()
    assert first[0] == f"{RUN.id}: queued, bundle {BUNDLE.digest}"
    assert all(line.startswith("  ") for line in first[1:])
    again = told("submit", "latest").splitlines()
    assert again[0] == f"{RUN.id}: queued, sent before, bundle {BUNDLE.digest}"
    header, row = told("queue").splitlines()
    assert header.split() == ["bundle", "run", "model", "results", "by", "remarks"]
    assert row.split()[:5] == [DIGEST, RUN.id, "minilm-l6-sentiment", "9", "cli:ada"]
    assert told("queue", "--status", "accepted").count("\n") == 1

    for start in ("", "0000"):
        assert isinstance(board("accept", start).exception, UnknownNameError)
    assert told("accept", DIGEST[:4], "--reason", "it is good") == (
        f"{DIGEST}: accepted, in edition 2026-H1\n"
    )
    assert told("queue").count("\n") == 1
    assert DIGEST in told("queue", "--status", "accepted")
    assert told("verify") == "as it was\n"


def test_a_run_is_refused_with_a_reason(desk: Path) -> None:
    told("submit")
    assert board("reject", DIGEST).exit_code == 2
    assert isinstance(board("reject", DIGEST, "--reason", " ").exception, RefusedError)
    assert told("reject", DIGEST, "--reason", "no") == f"{DIGEST}: rejected\n"
    assert DIGEST in told("queue", "--status", "rejected")


def test_another_board_is_named_by_an_option(desk: Path) -> None:
    told("submit", "--database", f"sqlite:///{desk / 'other.db'}")
    assert DIGEST not in told("queue")
    assert DIGEST in told("queue", "--database", f"sqlite:///{desk / 'other.db'}")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is sent to a board elsewhere, which has it already."""
    made: list[tuple[Any, ...]] = []

    def send(bundle: Any, to: str, token: str, *, plain_http: bool) -> Receipt:
        made.append((bundle.digest, to, token, plain_http))
        return Receipt(bundle.digest, "accepted", False, ("jax/jit/fp32: it is odd",))

    monkeypatch.setattr(client, "send", send)
    return made


def test_a_run_goes_to_a_board_elsewhere(sent, desk: Path, monkeypatch) -> None:
    to = ("--to", "https://b.example")
    assert isinstance(board("submit", *to).exception, InputError)
    monkeypatch.setenv("WATTMARK_BOARD_TOKEN", "from the environment")
    assert told("submit", *to) == (
        f"{RUN.id}: accepted, sent before, bundle {BUNDLE.digest}\n  jax/jit/fp32: it is odd\n"
    )
    (desk / "token").write_text("of a file")
    told("submit", *to, "--token-file", desk / "token", "--plain-http")
    told("submit", *to, "--token-file", "-", said="of stdin")
    assert sent == [
        (BUNDLE.digest, to[1], "from the environment", False),
        (BUNDLE.digest, to[1], "of a file", True),
        (BUNDLE.digest, to[1], "of stdin", False),
    ]


def test_tokens_are_made_listed_and_revoked() -> None:
    done = board("token", "create", "ci", "--scope", "submit", "--scope", "maintain", "--days", "7")
    token = done.stdout.strip()
    number = token.split("_")[1]
    assert token.startswith("wm_")
    assert done.stderr.splitlines()[1] == (
        f"It is good for 7 days. `wattmark board token revoke {number}` ends it."
    )
    line = told("token", "list").strip()
    assert line.startswith(f"{number}  ci  maintain,submit  good until ")
    assert line.endswith(" by cli:ada")
    assert told("token", "revoke", number) == f"{number}: revoked\n"
    assert f"{number}  ci  maintain,submit  revoked " in told("token", "list")
    assert isinstance(board("token", "create", "x", "--scope", "all").exception, InputError)
    assert "It is good for 365 days." in board("token", "create", "y", "--scope", "submit").stderr


@pytest.mark.parametrize(
    ("expires", "revoked", "state"),
    [
        (None, None, "good until revoked"),
        ("2026-06-02", None, "good until 2026-06-02"),
        ("2026-06-01", None, "expired 2026-06-01"),
        ("2026-05-31", None, "expired 2026-05-31"),
        ("2026-05-31", "2026-04-01", "revoked 2026-04-01"),
    ],
)
def test_what_a_token_is_good_for(expires: str | None, revoked: str | None, state: str) -> None:
    token = tokens.Token(
        id="0", name="ci", scopes=frozenset(), created_at="", created_by="",
        expires_at=expires, revoked_at=revoked,
    )  # fmt: skip
    assert _state(token, "2026-06-01") == state


def test_a_maintainer_is_added_changed_and_disabled() -> None:
    first, second = "a long password", "another long one"
    add = ("maintainer", "add", "ada")
    assert told(*add, said=f"{first}\n{first}\n").endswith("ada: added\n")
    line = ("maintainer", "password", "ada", "--password-stdin")
    assert told(*line, said=f"{second}\r\nmore\n") == "ada: password changed\n"
    url = os.environ["WATTMARK_BOARD_DATABASE"]
    with Database.open(url) as opened, opened.reading() as connection:
        assert maintainers.check(connection, "ada", second)
        assert not maintainers.check(connection, "ada", first)
    assert isinstance(board(*line, said="short\n").exception, RefusedError)
    assert told("maintainer", "disable", "ada") == "ada: disabled\n"


def test_an_edition_is_opened_frozen_and_exported(desk: Path) -> None:
    assert told("edition", "open", "2026-H1", "--rule", "aies-2025") == "2026-H1: open\n"
    told("submit")
    told("accept", DIGEST)
    out = desk / "out.csv"
    exported = told("export", "2026-H1", "--out", out).splitlines()
    assert exported[0] == f"{out}: 9 results"
    assert "wattmark rate" in exported[1] and "aies-2025" in exported[1]
    assert len(out.read_text().splitlines()) == 10
    assert told("export", "2026-H1", "--out", out, "--task", "other").startswith(f"{out}: 0 res")
    assert isinstance(board("export", "2030-H1", "--out", out).exception, UnknownNameError)
    assert isinstance(board("export", "2026-H1", "--out", desk / "x.txt").exception, InputError)
    nowhere = board("export", "2026-H1", "--out", desk / "no" / "x.csv").exception
    assert isinstance(nowhere, BoardError) and "there is no folder" in str(nowhere)
    said = told("edition", "freeze", "2026-H1")
    assert said.startswith("2026-H1: 8 of 9 results rated, digest ")


def test_limits_of_an_edition_arrive(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def open_edition(connection: Any, name: str, rule: Any, *, by: str, limits: Any) -> None:
        asked.append((name, rule, by, limits and sorted(limits)))

    monkeypatch.setattr(standings, "open_edition", open_edition)
    file = desk / "limits.yaml"
    file.write_text("limits_version: 1\nmost_energy_for_5_4_3_2_stars: {a: [1, 2, 3, 4]}")
    told("edition", "open", "2026-H1")
    told("edition", "open", "2026-H1", "--rule", "absolute", "--limits", file)
    assert asked == [
        ("2026-H1", None, "cli:ada", None),
        ("2026-H1", "absolute", "cli:ada", ["a"]),
    ]


def test_what_is_wrong_with_a_board_is_said_with_a_non_zero_exit(monkeypatch) -> None:
    monkeypatch.setattr(verification, "problems", lambda connection: iter(["one", "two"]))
    done = board("verify")
    assert (done.exit_code, done.stdout) == (1, "one\ntwo\n")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """How a board is served, which is not."""
    asked: dict[str, Any] = {"taken": 0, "opened": []}

    class Listening:
        def getsockname(self) -> tuple[str, int]:
            return "", 4711

    def listen(host: str, port: int) -> Any:
        asked["listen"] = (host, port)
        return Listening()

    def run(board: Database, listening: socket.socket, address: str) -> None:
        asked["address"] = address

    def take_over(board: Database) -> tuple[int, list[str]]:
        asked["taken"] += 1
        return 2, ["x: it is odd"]

    monkeypatch.setattr(server, "listen", listen)
    monkeypatch.setattr(server, "run", run)
    monkeypatch.setattr(local_runs, "take_over", take_over)
    monkeypatch.setattr(typer, "launch", asked["opened"].append)
    return asked


def test_a_shared_board_is_served_here_without_own_runs(served: dict[str, Any]) -> None:
    done = board("serve")
    assert done.exit_code == 0
    assert done.stderr == "The board is at http://127.0.0.1:4711 (Ctrl-C stops it)\n"
    assert served["listen"] == ("127.0.0.1", 8080)
    assert (served["address"], served["taken"]) == ("http://127.0.0.1:4711", 0)
    assert served["opened"] == []


def test_how_a_board_is_served_can_be_said(served: dict[str, Any]) -> None:
    line = ["serve", "--host", "::1", "--port", "65535", "--address", "https://b.example"]
    done = board(*line, "--own-runs", "--browser")
    assert done.stderr.splitlines() == [
        "2 runs of this machine are on the board now",
        "Not on the board: x: it is odd",
        "The board is at http://[::1]:4711 (Ctrl-C stops it)",
    ]
    assert served["listen"] == ("::1", 65535)
    assert served["address"] == "https://b.example"
    assert served["opened"] == ["http://[::1]:4711"]
    assert board("serve", "--port", "65536").exit_code == 2
    assert board("serve", "--port", "0").exit_code == 0


def test_the_users_own_board_has_own_runs_unless_it_is_said(
    served: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATTMARK_BOARD_DATABASE")
    assert board("serve", "--no-own-runs").exit_code == 0 and served["taken"] == 0
    assert board("serve").exit_code == 0 and served["taken"] == 1
