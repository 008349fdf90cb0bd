"""Tokens: who has the text may do what its scopes say, until it is revoked or expires."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from wattmark.board.people import tokens
from wattmark.board.people.tokens import Scope, Tokens
from wattmark.board.shelf import audit_log, tables
from wattmark.board.shelf.database import Database
from wattmark.cli.board import token
from wattmark.errors import RefusedError

BY = "cli:ada"


def test_a_token_says_who_sends_it_and_what_they_may(database: Database) -> None:
    text = made(database, Scope.SUBMIT, Scope.MAINTAIN, name="ci.lab-3")
    assert re.fullmatch(r"wm_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", text)
    bearer = sent(database, Tokens(), text)
    assert (bearer.id, bearer.name) == (id_of(text), "ci.lab-3")
    assert bearer.scopes == {Scope.SUBMIT, Scope.MAINTAIN}


def test_the_scheme_is_read_as_http_has_it(database: Database) -> None:
    text = made(database)
    with database.reading() as connection:
        for header in (f"Bearer {text}", f"bearer {text}", f"BEARER   {text} "):
            assert Tokens().authenticate(connection, header).id == id_of(text)


def test_a_scope_is_enforced_and_includes_no_other(database: Database) -> None:
    known = Tokens()
    for own, other in ((Scope.SUBMIT, Scope.MAINTAIN), (Scope.MAINTAIN, Scope.SUBMIT)):
        bearer = sent(database, known, made(database, own))
        known.require(bearer, own)
        with pytest.raises(RefusedError, match=f"lacks the scope {other}") as caught:
            known.require(bearer, other)
        assert (caught.value.status, caught.value.code) == (403, "scope_missing")


def test_a_request_without_a_token_is_told_to_send_one(database: Database) -> None:
    with database.reading() as connection:
        for header in (None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "x" * 1_000_000):
            with pytest.raises(RefusedError, match="Authorization: Bearer") as caught:
                Tokens().authenticate(connection, header)
            assert (caught.value.status, caught.value.code) == (401, "no_token")


NO_TOKENS = [
    "wm_",
    "wm_0123456789ab_\0",
    "wm_0123456789ab_" + "a" * 43 + "\0",
    "wm_\0" + "a" * 11 + "_" + "a" * 43,
    "wm_0123456789ab_" + "a" * 1_000_000,
    "wm_0123456789ab_" + "é" * 43,
    "wm_0123456789ab_" + "\ud800" * 43,
    "wm_0123456789ab_'OR'1'='1",
    "wm_0123456789ab_" + "a" * 43,
    "x" * 1_000_000,
]


def test_what_is_no_token_is_refused_and_breaks_nothing(database: Database) -> None:
    made(database)
    for text in NO_TOKENS:
        assert refusal(database, Tokens(), text) == (401, "bad_token")


def test_a_token_that_was_stolen_and_revoked_is_refused_at_once(database: Database) -> None:
    known, text = Tokens(), made(database)
    sent(database, known, text)
    with database.writing() as connection:
        tokens.revoke(connection, id_of(text), by=BY)
    assert refusal(database, known, text) == (401, "token_revoked")
    assert refusal(database, Tokens(), text) == (401, "token_revoked")


def test_a_token_expires_though_it_is_remembered(database: Database) -> None:
    known, text = Tokens(), made(database, days=1)
    sent(database, known, text)
    expire(database, text)
    assert refusal(database, known, text) == (401, "token_expired")


def test_only_who_knows_the_secret_hears_that_it_is_over(database: Database) -> None:
    revoked, expired = made(database), made(database)
    with database.writing() as connection:
        tokens.revoke(connection, id_of(revoked), by=BY)
    expire(database, expired)
    for text in (revoked, expired):
        assert refusal(database, Tokens(), with_wrong_secret(text)) == (401, "bad_token")


def test_a_token_without_days_is_good_until_it_is_revoked(database: Database) -> None:
    text = made(database, days=None)
    sent(database, Tokens(), text)
    with database.reading() as connection:
        (token,) = tokens.listed(connection)
    assert token.expires_at is None


def test_a_token_of_another_board_is_refused(database: Database, tmp_path: Path) -> None:
    known = Tokens()
    with Database.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        text = made(other)
        sent(other, known, text)
    assert refusal(database, known, text) == (401, "bad_token")


def test_another_secret_under_a_remembered_id_is_refused(database: Database) -> None:
    known, text = Tokens(), made(database)
    sent(database, known, text)
    assert refusal(database, known, with_wrong_secret(text)) == (401, "bad_token")
    sent(database, known, text)


def test_the_hash_is_made_once_while_the_token_is_remembered(
    database: Database, verified: list[str]
) -> None:
    known = Tokens(most=1)
    first, second = made(database), made(database)
    for text in (first, first, first):
        sent(database, known, text)
    assert len(verified) == 1
    sent(database, known, second)
    sent(database, known, first)
    assert len(verified) == 3, "only the last used one is remembered"


@pytest.mark.usefixtures("full_hashes")
def test_an_unknown_id_costs_a_hash_as_a_wrong_secret_does(
    database: Database, verified: list[str]
) -> None:
    known, text = Tokens(), made(database)
    costs = []
    for wrong in (with_wrong_secret(text), "wm_ffffffffffff_" + "a" * 43):
        verified.clear()
        assert refusal(database, known, wrong) == (401, "bad_token")
        costs.append([parameters(hash_) for hash_ in verified])
    assert costs == [["m=19456,t=2,p=1"]] * 2


@pytest.mark.usefixtures("full_hashes")
def test_the_database_holds_no_token(database: Database) -> None:
    text = made(database)
    secret = text.split("_", 2)[2]
    with database.reading() as connection:
        rows = [
            row for t in tables.metadata.tables.values() for row in connection.execute(select(t))
        ]
    assert id_of(text) in repr(rows)
    assert secret not in repr(rows)
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in repr(rows)


def test_what_was_made_and_revoked_is_listed_and_logged(database: Database) -> None:
    first, second = made(database, name="one"), made(database, name="two", days=None)
    with database.writing() as connection:
        tokens.revoke(connection, id_of(first), by="cli:bob")
        tokens.revoke(connection, id_of(first), by="cli:bob")
    with database.reading() as connection:
        listed = {token.name: token for token in tokens.listed(connection)}
        log = [(e.actor, e.action, e.subject) for e in audit_log.entries(connection)]
    assert listed["one"].revoked_at is not None and listed["two"].revoked_at is None
    assert listed["one"].created_by == BY
    assert log == [
        (BY, "create_token", id_of(first)),
        (BY, "create_token", id_of(second)),
        ("cli:bob", "revoke_token", id_of(first)),
    ]


def test_a_name_is_plain(database: Database) -> None:
    bad = ["", "a\0b", "a" * 65, "a" * 1_000_000, "-rf", "<b>", "a b", "a\n", "é", "\ud800", "=1"]
    with database.writing() as connection:
        for name in bad:
            with pytest.raises(RefusedError) as caught:
                tokens.create(connection, name, [Scope.SUBMIT], by=BY)
            assert (caught.value.status, caught.value.code) == (422, "bad_name")
            assert len(str(caught.value)) < 300
        tokens.create(connection, "a" * 64, [Scope.SUBMIT], by=BY)


def test_a_token_lives_a_number_of_days(database: Database) -> None:
    with database.writing() as connection:
        for days in (0, -1, 3651, 2**63):
            with pytest.raises(RefusedError, match="1 to 3650 days"):
                tokens.create(connection, "ci", [Scope.SUBMIT], by=BY, days=days)


def test_a_token_for_nothing_is_not_made(database: Database) -> None:
    with database.writing() as connection, pytest.raises(RefusedError, match="submit or maintain"):
        tokens.create(connection, "ci", [], by=BY)


def test_revoking_what_there_is_not_is_a_clear_error(database: Database) -> None:
    with database.writing() as connection:
        for id_ in ("ffffffffffff", "", "\0", "a" * 1_000_000, "\ud800"):
            with pytest.raises(RefusedError) as caught:
                tokens.revoke(connection, id_, by=BY)
            assert (caught.value.status, caught.value.code) == (404, "no_such_token")
            assert len(str(caught.value)) < 300


def test_the_command_prints_the_token_once_and_advice_beside_it(database_url: str) -> None:
    done = cli(database_url, "create", "ci", "--scope", "submit", "--scope", "maintain")
    text = done.stdout.strip()
    assert "shown this once" in done.stderr and text not in done.stderr
    with Database.open(database_url) as board:
        assert sent(board, Tokens(), text).scopes == set(Scope)
        with board.reading() as connection:
            (entry,) = audit_log.entries(connection)
    assert entry.actor.startswith("cli:") and len(entry.actor) > len("cli:")

    listed = cli(database_url, "list").stdout
    assert f"{id_of(text)}  ci  maintain,submit  good until 20" in listed
    assert text not in listed

    cli(database_url, "revoke", id_of(text))
    assert f"{id_of(text)}  ci  maintain,submit  revoked 20" in cli(database_url, "list").stdout


def test_the_command_says_which_scopes_there_are(tmp_path: Path) -> None:
    arguments = ["create", "ci", "--scope", "all", "--database", f"sqlite:///{tmp_path / 'b.db'}"]
    done = CliRunner().invoke(token.app, arguments)
    assert "'all' is not a scope: submit or maintain" in str(done.exception)
    assert not (tmp_path / "b.db").exists()


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The hashes that were compared with, in the order of the work."""
    real, seen = argon2.PasswordHasher.verify, []

    def verify(self, hash_, password):
        seen.append(hash_)
        return real(self, hash_, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    return seen


def made(database: Database, *scopes: Scope, name: str = "ci", days: int | None = 365) -> str:
    with database.writing() as connection:
        return tokens.create(connection, name, scopes or (Scope.SUBMIT,), by=BY, days=days)


def sent(database: Database, known: Tokens, text: str) -> tokens.Bearer:
    with database.reading() as connection:
        return known.authenticate(connection, f"Bearer {text}")


def refusal(database: Database, known: Tokens, text: str) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        sent(database, known, text)
    return caught.value.status, caught.value.code


def expire(database: Database, text: str) -> None:
    with database.writing() as connection:
        table = tables.tokens
        past = "2026-01-01T00:00:00Z"
        connection.execute(update(table).where(table.c.id == id_of(text)).values(expires_at=past))


def id_of(text: str) -> str:
    return text.split("_")[1]


def with_wrong_secret(text: str) -> str:
    return text[:-1] + ("a" if text[-1] != "a" else "b")


def parameters(hash_: str) -> str:
    return hash_.split("$")[3]


def cli(database_url: str, *arguments: str):
    done = CliRunner().invoke(
        token.app, list(arguments), env={"WATTMARK_BOARD_DATABASE": database_url}
    )
    assert done.exit_code == 0, done.output
    return done
