"""Maintainers in the browser: log in, decide, freeze; and what others cannot do in their name."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from api_boards import client_of
from boards import a_run, accepted
from fastapi.testclient import TestClient
from httpx import Response

from wattmark.board.intake import submissions
from wattmark.board.intake.submissions import Status
from wattmark.board.people import maintainers
from wattmark.board.shelf import audit_log, catalogue
from wattmark.board.shelf.database import Database
from wattmark.records import bundle_of

PASSWORD = "correct horse battery"
HOST = "http://testserver"


@pytest.fixture
def board(database: Database) -> Database:
    with database.writing() as connection:
        maintainers.add(connection, "ada", PASSWORD, "test")
        submissions.receive(connection, bundle_of(a_run()), by="token:1")
    return database


@pytest.fixture
def client(board: Database) -> Iterator[TestClient]:
    with client_of(board, HOST, follow_redirects=False) as client:
        yield client


def log_in(client: TestClient, password: str = PASSWORD) -> Response:
    return client.post("/maintain/login", data={"name": "ada", "password": password})


def csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/maintain").text)
    assert found is not None
    return found[1]


def status(board: Database) -> Status:
    with board.reading() as connection:
        (found,) = (submissions.find(connection, bundle_of(a_run()).digest),)
    assert found is not None
    return found.status


def decide(client: TestClient, **form: str) -> Response:
    return client.post(f"/maintain/bundles/{bundle_of(a_run()).digest}", data=form)


def test_a_maintainer_accepts_what_was_submitted(client: TestClient, board: Database) -> None:
    assert log_in(client).status_code == 303
    shown = client.get(f"/maintain/bundles/{bundle_of(a_run()).digest}").text
    assert "nobody signed it" in shown
    assert "onnxruntime" in shown

    assert decide(client, decision="accept", reason="", csrf=csrf(client)).status_code == 303

    assert status(board) is Status.ACCEPTED
    with board.reading() as connection:
        actors = [e.actor for e in audit_log.entries(connection)]
    assert "maintainer:ada" in actors
    assert "9 results" in client.get("/tasks/text-classification").text


def test_a_rejection_needs_a_reason(client: TestClient, board: Database) -> None:
    log_in(client)
    assert decide(client, decision="reject", csrf=csrf(client)).status_code == 422
    assert status(board) is Status.QUEUED
    assert decide(client, decision="reject", reason="busy", csrf=csrf(client)).status_code == 303
    assert status(board) is Status.REJECTED


def test_a_maintainer_freezes_an_edition(client: TestClient, board: Database) -> None:
    accepted(board, a_run(1))
    with board.reading() as connection:
        name = catalogue.editions(connection)[0].name
    log_in(client)

    answer = client.post("/maintain/editions/freeze", data={"name": name, "csrf": csrf(client)})

    assert answer.headers["location"] == f"/editions/{name}"
    with board.reading() as connection:
        assert catalogue.editions(connection)[0].digest is not None


@pytest.mark.parametrize("password", ["wrong wrong wrong", "", "x" * 300, "a\0b"])
def test_a_wrong_password_opens_nothing(client: TestClient, password: str) -> None:
    answer = log_in(client, password)
    assert answer.status_code in (403, 422)
    assert "set-cookie" not in answer.headers
    assert 'name="password"' in client.get("/maintain").text


def test_guessing_is_slowed_down(client: TestClient) -> None:
    answers = [log_in(client, "guess guess guess").status_code for _ in range(12)]
    assert answers[0] == 403
    assert answers[-1] == 429


def test_the_cookie_is_for_this_board_only(client: TestClient, board: Database) -> None:
    cookie = log_in(client).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    with client_of(board, "https://board.example") as secure:
        answer = secure.post(
            "/maintain/login",
            data={"name": "ada", "password": PASSWORD},
            follow_redirects=False,
        )
    assert answer.headers["set-cookie"].startswith("__Host-wattmark=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}],
)
def test_a_form_of_another_site_changes_nothing(
    client: TestClient, board: Database, headers: dict[str, str]
) -> None:
    log_in(client)
    token = csrf(client)
    answer = client.post(
        f"/maintain/bundles/{bundle_of(a_run()).digest}",
        data={"decision": "accept", "csrf": token},
        headers=headers,
    )
    assert answer.status_code == 403
    assert status(board) is Status.QUEUED


@pytest.mark.parametrize("token", ["", "guess", "é"])
def test_a_form_without_the_sessions_token_changes_nothing(
    client: TestClient, board: Database, token: str
) -> None:
    log_in(client)
    assert decide(client, decision="accept", csrf=token).status_code in (403, 422)
    assert status(board) is Status.QUEUED


def test_a_cookie_replayed_after_logout_is_nobody(client: TestClient) -> None:
    log_in(client)
    kept = dict(client.cookies)
    assert client.post("/maintain/logout", data={"csrf": csrf(client)}).status_code == 303
    client.cookies.update(kept)
    assert client.get("/maintain/log").status_code == 403
    assert decide(client, decision="accept", csrf="x").status_code == 403


def test_nothing_of_the_maintainers_room_is_kept(client: TestClient) -> None:
    log_in(client)
    for address in ("/maintain", "/maintain/log"):
        assert client.get(address).headers["cache-control"] == "no-store"
