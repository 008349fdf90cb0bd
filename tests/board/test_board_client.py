"""A run goes from this machine to a board over HTTP, and what the board says comes back."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import uvicorn
from api_boards import ADDRESS, headers_of
from boards import a_run, accepted
from typer.testing import CliRunner, Result

from wattmark.board.intake import submissions
from wattmark.board.intake.client import send
from wattmark.board.people.tokens import Scope
from wattmark.board.shelf.database import Database
from wattmark.board.web import server
from wattmark.board.web.app import application
from wattmark.board.web.services import Services
from wattmark.cli.main import app
from wattmark.errors import BoardError, InputError, RefusedError
from wattmark.records import bundle_of


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Database]:
    with Database.open(f"sqlite:///{tmp_path / 'far.db'}") as database:
        yield database


@pytest.fixture
def address(board: Database) -> Iterator[str]:
    """Where a real server of the board listens."""
    listening = server.listen("127.0.0.1", 0)
    running = uvicorn.Server(
        uvicorn.Config(application(Services(board, ADDRESS)), log_level="warning")
    )
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    thread.join()


@pytest.fixture
def token(board: Database) -> str:
    return headers_of(board, Scope.SUBMIT)["Authorization"].removeprefix("Bearer ")


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store of this machine has one run."""
    monkeypatch.setattr("wattmark.workflows.runs.bundle", lambda name: bundle_of(a_run(1)))
    monkeypatch.delenv("WATTMARK_BOARD_TOKEN", raising=False)


@contextmanager
def answering(reply: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that is no board, and answers every POST like this."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            reply(self)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def submit(*arguments: object, stdin: str | None = None, **environment: str) -> Result:
    found = ["board", "submit", "latest", *map(str, arguments)]
    return CliRunner().invoke(app, found, input=stdin, env=environment)


def test_a_run_arrives_as_it_was_hashed(board: Database, address: str, token: str) -> None:
    bundle = bundle_of(a_run(1))
    first = send(bundle, address, token)
    assert (first.digest, first.status, first.new) == (bundle.digest, "queued", True)
    assert any("nobody signed it" in said for said in first.findings)
    again = send(bundle, address + "/", token)
    assert (again.digest, again.new) == (bundle.digest, False)
    with board.reading() as connection:
        assert submissions.document_of(connection, bundle.digest) == bundle.document


def test_what_the_board_says_is_what_the_error_says(address: str, token: str) -> None:
    future = a_run(1, created_at="2999-01-01T00:00:00+00:00")
    with pytest.raises(RefusedError, match=r"created_at '2999.*\(422\)") as refused:
        send(bundle_of(future), address, token)
    assert (refused.value.status, refused.value.code) == (422, "implausible")
    with pytest.raises(RefusedError, match="not a token of this board"):
        send(bundle_of(a_run(1)), address, token[:-1] + ("A" if token[-1] != "A" else "B"))


@pytest.mark.parametrize(
    "to",
    [
        "board.example",
        "ftp://board.example",
        "https://",
        "https://board.example?x=1",
        "https://me:secret@board.example",
        "https://board.example:99999",
        "http://[::1",
        "https://boärd.example",
        "",
    ],
)
def test_what_is_no_address_is_said(to: str) -> None:
    with pytest.raises(InputError, match="--to: "):
        send(bundle_of(a_run(1)), to, "wm_x")


def test_a_token_does_not_go_over_the_network_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        pytest.fail("it connected")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(InputError, match="no encryption"):
        send(bundle_of(a_run(1)), "http://board.example", "wm_x")
    with pytest.raises(InputError, match="no encryption"):
        send(bundle_of(a_run(1)), "http://localhost.board.example", "wm_x")


@pytest.mark.parametrize("token", ["", "  ", "wm_a\r\nX-Evil: 1", "wm_a b", "wm_ä"])
def test_a_token_that_is_none_is_not_sent(token: str) -> None:
    with pytest.raises(InputError, match="no token"):
        send(bundle_of(a_run(1)), "https://board.example", token)


def test_a_board_that_is_not_there_is_said(token: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        to = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(BoardError, match=f"{to} cannot be reached: .*refused"):
        send(bundle_of(a_run(1)), to, token)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Welcome</html>"),
        (200, b"[]"),
        (201, b"{}"),
        (404, b"\xff"),
        (500, b'{"detail": "x"}'),
        (302, b""),
    ],
)
def test_another_server_is_not_taken_for_a_board(status: int, body: bytes) -> None:
    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Location", "http://evil.example/")
        request.end_headers()
        request.wfile.write(body)

    with answering(reply) as to, pytest.raises(BoardError, match=f"status {status}, and not as"):
        send(bundle_of(a_run(1)), to, "wm_x")


def test_what_a_board_says_cannot_drive_the_terminal() -> None:
    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(403)
        request.send_header("Retry-After", "7")
        request.end_headers()
        said = {"error": {"code": "no", "message": "\x1b]0;owned\x07 no"}}
        request.wfile.write(json.dumps(said).encode())

    with answering(reply) as to, pytest.raises(RefusedError) as refused:
        send(bundle_of(a_run(1)), to, "wm_x")
    assert str(refused.value).isprintable() and refused.value.retry_after_s == 7


def test_the_verb_sends_a_run_with_the_token_of_the_environment(address: str, token: str) -> None:
    done = submit("--to", address, WATTMARK_BOARD_TOKEN=token)
    assert done.exit_code == 0, done.output
    first, *findings = done.output.splitlines()
    assert first == f"{a_run(1).id}: queued, bundle {bundle_of(a_run(1)).digest}"
    assert findings and all(line.startswith("  ") for line in findings)
    again = submit("--to", address, WATTMARK_BOARD_TOKEN=token)
    assert "queued, sent before" in again.output


def test_a_token_comes_from_a_file_or_from_stdin(address: str, token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    assert submit("--to", address, "--token-file", file).exit_code == 0
    assert submit("--to", address, "--token-file", "-", stdin=f"{token}\n").exit_code == 0
    missing = submit("--to", address, "--token-file", tmp_path / "none")
    assert "cannot be read" in str(missing.exception)


def test_a_token_is_no_option(address: str) -> None:
    assert submit("--to", address, "--token", "wm_x").exit_code == 2
    assert "WATTMARK_BOARD_TOKEN" in str(submit("--to", address).exception)


def test_without_an_address_the_run_is_queued_on_this_machines_board(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'own.db'}"
    assert submit("--database", url).exit_code == 0
    assert "sent before" in submit(WATTMARK_BOARD_DATABASE=url).output
    with Database.open(url) as own, own.reading() as connection:
        (found,) = submissions.listed(connection)
    assert found.digest == bundle_of(a_run(1)).digest and found.submitted_by.startswith("cli:")


def test_a_run_whose_results_are_there_is_refused(
    board: Database, address: str, token: str
) -> None:
    accepted(board, a_run(1, id="20260101-120001-copied"))
    done = submit("--to", address, WATTMARK_BOARD_TOKEN=token)
    assert isinstance(done.exception, RefusedError) and done.exception.exit_code == 2
    assert "on the board already" in str(done.exception)
