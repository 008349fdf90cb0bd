"""Runs are sent to the board with a token, once; maintainers decide on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_boards import API, JSON, client_of, get, headers_of
from boards import a_run, accepted
from httpx import Response
from starlette.testclient import TestClient
from synthetic_run import make_result, make_run

from wattmark.board.intake import submissions
from wattmark.board.intake.bundle import MOST_BYTES
from wattmark.board.people import tokens
from wattmark.board.people.tokens import Scope
from wattmark.board.shelf import tables
from wattmark.board.shelf.database import Database
from wattmark.board.web.rate_limit import RateLimit
from wattmark.records import Bundle, bundle_of

Headers = dict[str, str]


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    with client_of(database) as client:
        yield client


@pytest.fixture
def sender(database: Database) -> Headers:
    return headers_of(database, Scope.SUBMIT)


@pytest.fixture
def maintainer(database: Database) -> Headers:
    return headers_of(database, Scope.MAINTAIN)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Headers]]:
    """A board, with the header of a sender, to which nothing comes that it takes."""
    path = tmp_path_factory.mktemp("board") / "board.db"
    with Database.open(f"sqlite:///{path}") as database:
        plenty = RateLimit(rate_per_s=1000.0, burst=1000)
        with client_of(database, submissions=plenty) as client:
            yield client, headers_of(database, Scope.SUBMIT)


def send(client: TestClient, headers: Headers, body: Bundle | bytes) -> Response:
    content = body if isinstance(body, bytes) else body.document
    return client.post(f"{API}/bundles", content=content, headers=JSON | headers)


def decide(client: TestClient, headers: Headers, digest: str, **decision: str) -> Response:
    return client.post(f"{API}/bundles/{digest}/decision", json=decision, headers=headers)


def code(response: Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_run_is_sent_looked_at_accepted_and_shown(
    client: TestClient, sender: Headers, maintainer: Headers
) -> None:
    bundle = bundle_of(a_run(1))
    sent = send(client, sender, bundle)
    assert sent.status_code == 201 and sent.json()["status"] == "queued"
    assert sent.json()["digest"] == bundle.digest
    seen = client.get(sent.headers["Location"], headers=sender)
    assert seen.json() == sent.json()
    assert [f["code"] for f in seen.json()["findings"]] == ["unsigned"]

    done = decide(client, maintainer, bundle.digest, decision="accept", reason="Plausible.")
    assert done.status_code == 200 and done.json()["status"] == "accepted"
    assert done.json()["decision_reason"] == "Plausible."
    assert len(get(client, "/results")["results"]) == 9
    assert client.get(sent.headers["Location"]).json() == done.json()


def test_the_same_bundle_again_is_the_same_submission(
    client: TestClient, sender: Headers, database: Database
) -> None:
    bundle = bundle_of(a_run(1))
    first = send(client, sender, bundle)
    before = get(client, "/health")
    spaced = b" " + bundle.document.replace(b',"', b' , "')
    for again in (bundle.document, spaced):
        second = send(client, sender, again)
        assert second.status_code == 200 and second.json() == first.json()
        assert second.headers["Location"] == first.headers["Location"]
    assert get(client, "/health") == before
    with database.reading() as connection:
        assert len(connection.execute(tables.bundles.select()).all()) == 1


def test_a_replayed_submission_that_was_rejected_stays_rejected(
    client: TestClient, sender: Headers, maintainer: Headers
) -> None:
    bundle = bundle_of(a_run(1))
    send(client, sender, bundle)
    decide(client, maintainer, bundle.digest, decision="reject", reason="Wrong clock.")
    again = send(client, sender, bundle)
    assert again.status_code == 200 and again.json()["status"] == "rejected"
    assert client.get(f"{API}/models").status_code == 404  # nothing came onto the board


def test_who_may_see_a_bundle_that_nobody_accepted(
    client: TestClient, database: Database, sender: Headers, maintainer: Headers
) -> None:
    digest = send(client, sender, bundle_of(a_run(1))).json()["digest"]
    other = headers_of(database, Scope.SUBMIT, name="other")
    path = f"{API}/bundles/{digest}"
    assert client.get(path, headers=sender).status_code == 200
    assert client.get(path, headers=maintainer).status_code == 200
    assert code(client.get(path, headers=other)) == (404, "no_bundle")
    assert code(client.get(path)) == (404, "no_bundle")
    assert code(client.get(f"{path}/document", headers=sender)) == (404, "no_bundle")


def test_a_token_is_needed_and_its_scope_counts(
    client: TestClient, sender: Headers, maintainer: Headers
) -> None:
    bundle = bundle_of(a_run(1))
    response = send(client, {}, bundle)
    assert code(response) == (401, "no_token")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert code(send(client, maintainer, bundle)) == (403, "scope_missing")
    send(client, sender, bundle)
    assert code(decide(client, sender, bundle.digest, decision="accept")) == (403, "scope_missing")
    assert code(decide(client, {}, bundle.digest, decision="accept")) == (401, "no_token")


def test_a_stolen_token_is_good_for_nothing_once_it_is_revoked(
    client: TestClient, sender: Headers, database: Database
) -> None:
    assert send(client, sender, bundle_of(a_run(1))).status_code == 201
    with database.writing() as connection:
        (token,) = tokens.listed(connection)
        tokens.revoke(connection, token.id, by="test")
    for answer in (
        send(client, sender, bundle_of(a_run(1))),
        send(client, sender, bundle_of(a_run(2))),
        client.get(f"{API}/bundles/{'0' * 64}", headers=sender),
    ):
        assert code(answer) == (401, "token_revoked")


def test_guessing_tokens_is_slowed_down_by_address(database: Database) -> None:
    limits = {"failures": RateLimit(rate_per_s=0.001, burst=3)}
    with client_of(database, **limits) as client:
        for _ in range(3):
            wrong = {"Authorization": f"Bearer wm_{'0' * 12}_{'A' * 43}"}
            assert code(send(client, wrong, b"{}")) == (401, "bad_token")
        good = headers_of(database, Scope.SUBMIT)
        response = send(client, good, bundle_of(a_run(1)))
        assert code(response) == (429, "too_many_requests")
        assert int(response.headers["Retry-After"]) >= 1
        assert client.get(f"{API}/editions").status_code == 200


def test_submissions_are_limited_by_token(database: Database) -> None:
    with client_of(database, submissions=RateLimit(rate_per_s=0.001, burst=2)) as client:
        one, other = (headers_of(database, Scope.SUBMIT, name=n) for n in ("one", "other"))
        bundle = bundle_of(a_run(1))
        assert [send(client, one, bundle).status_code for _ in range(3)] == [201, 200, 429]
        assert send(client, other, bundle).status_code == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "not_json")),
        (b"\0", (400, "not_json")),
        (b"\xff\xfe", (400, "not_json")),
        (b'{"schema_version": NaN}', (400, "not_json")),
        (b"[" * 100_000, (400, "not_json")),
        (b"[]", (422, "schema")),
        (b"{}", (422, "schema_version")),
        (b'{"schema_version": "99"}', (422, "schema_version")),
        (b'{"schema_version": "3"}', (422, "schema")),
        (b'{"schema_version": "3", "id": "a\\u0000b"}', (422, "bad_text")),
        (b'{"schema_version": "3", "id": "\\ud800"}', (422, "bad_text")),
        (b'{"x":' * 60 + b"1" + b"}" * 60, (422, "schema")),
    ],
)
def test_what_is_no_run_is_refused(
    refusing: tuple[TestClient, Headers], body: bytes, expected: tuple[int, str]
) -> None:
    assert code(send(*refusing, body)) == expected


def test_a_body_of_ten_megabytes_is_refused(refusing: tuple[TestClient, Headers]) -> None:
    client, sender = refusing
    assert code(send(client, sender, b" " * 10_000_000)) == (413, "too_large")

    def chunks() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * (MOST_BYTES // 8)

    response = client.post(f"{API}/bundles", content=chunks(), headers=JSON | sender)
    assert code(response) == (413, "too_large")


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_a_bundle_is_sent_as_json(refusing: tuple[TestClient, Headers], kind: str) -> None:
    client, sender = refusing
    body = bundle_of(a_run(1)).document
    response = client.post(f"{API}/bundles", content=body, headers=sender | {"Content-Type": kind})
    assert code(response) == (415, "not_json")


def test_a_run_that_cannot_be_true_is_refused_with_all_reasons(
    client: TestClient, sender: Headers, database: Database
) -> None:
    run = a_run(1).model_copy(update={"created_at": "2999-01-01T00:00:00+00:00"})
    response = send(client, sender, bundle_of(run))
    assert code(response) == (422, "implausible")
    assert "created_at" in response.json()["error"]["message"]
    with database.reading() as connection:
        assert submissions.listed(connection) == []


def test_results_that_are_there_already_are_a_duplicate(
    client: TestClient, sender: Headers, database: Database
) -> None:
    run = a_run(1)
    accepted(database, run)
    copy = run.model_copy(update={"id": "20260101-120001-copied"})
    assert code(send(client, sender, bundle_of(copy))) == (409, "duplicate")


def test_a_decision_is_made_once(client: TestClient, sender: Headers, maintainer: Headers) -> None:
    digest = send(client, sender, bundle_of(a_run(1))).json()["digest"]
    assert code(decide(client, maintainer, digest, decision="reject")) == (422, "no_reason")
    assert decide(client, maintainer, digest, decision="accept").status_code == 200
    again = decide(client, maintainer, digest, decision="reject", reason="On second thought")
    assert code(again) == (409, "decided")
    assert code(decide(client, maintainer, "0" * 64, decision="accept")) == (404, "no_bundle")


def test_what_is_no_decision_changes_nothing(
    client: TestClient, sender: Headers, maintainer: Headers
) -> None:
    digest = send(client, sender, bundle_of(a_run(1))).json()["digest"]
    for decision in (
        {"decision": "perhaps"},
        {"decision": "accept", "reason": "a\0b"},
        {"decision": "accept", "reason": "x" * 2001},
        {"decision": "accept", "reason": "Ask ada@board.example."},
        {"decision": "accept", "by": "somebody else"},
    ):
        assert decide(client, maintainer, digest, **decision).status_code == 422, decision
    assert client.get(f"{API}/bundles/{digest}", headers=sender).json()["status"] == "queued"


def test_what_waits_empties_no_page_and_what_is_accepted_does(
    client: TestClient, sender: Headers, maintainer: Headers
) -> None:
    def version() -> int:
        return int(client.get(f"{API}/health").json()["version"])

    before = version()
    digest = send(client, sender, bundle_of(a_run(1))).json()["digest"]
    assert version() == before
    decide(client, maintainer, digest, decision="accept")
    assert version() == before + 1


def test_the_public_log_holds_no_secret(
    client: TestClient, sender: Headers, maintainer: Headers
) -> None:
    digest = send(client, sender, bundle_of(a_run(1))).json()["digest"]
    decide(client, maintainer, digest, decision="accept")
    log = client.get(f"{API}/audit").text
    assert digest in log
    for headers in (sender, maintainer):
        assert headers["Authorization"].split("_", 2)[2] not in log
    assert "argon2" not in log


def test_a_setup_that_failed_is_not_counted(client: TestClient, sender: Headers) -> None:
    run = make_run([make_result("pytorch/eager/fp32", 17.1, 1.0, 842)])
    assert send(client, sender, bundle_of(run)).json()["results"] == 1
