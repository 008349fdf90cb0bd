"""Maintainers log in with a password, and a session is theirs until it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import argon2
import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from wattmark.board.people import maintainers, sessions
from wattmark.board.people.sessions import Session
from wattmark.board.shelf import audit_log, tables
from wattmark.board.shelf.database import Database
from wattmark.cli.board import maintainer
from wattmark.errors import RefusedError

BY = "cli:root"
PASSWORD = "correct horse battery"
NEW = "staple staple staple"


@pytest.fixture
def ada(database: Database) -> Database:
    """A board with a maintainer, ada."""
    with database.writing() as connection:
        maintainers.add(connection, "ada", PASSWORD, BY)
    return database


def test_a_maintainer_is_known_by_name_and_password(ada: Database) -> None:
    assert right(ada, "ada", PASSWORD)
    assert not right(ada, "ada", PASSWORD + "x")
    assert not right(ada, "ada", PASSWORD.upper())
    assert not right(ada, "Ada", PASSWORD)


def test_odd_names_and_passwords_are_wrong_and_break_nothing(ada: Database) -> None:
    for text in ("", "\0", PASSWORD + "\0", "a" * 1_000_000, "\ud800" * 20, "' OR '1'='1"):
        assert not right(ada, "ada", text)
        assert not right(ada, text, PASSWORD)
        assert sessions_found(ada, text) is None


@pytest.mark.usefixtures("full_hashes")
def test_an_unknown_name_costs_a_hash_as_a_wrong_password_does(
    ada: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, costs = argon2.PasswordHasher.verify, []

    def verify(self, hash_, password):
        costs.append(hash_.split("$")[3])
        return real(self, hash_, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    for name, password in (("ada", "x" * 12), ("eve", PASSWORD), ("\0", PASSWORD), ("ada", "\0")):
        costs.clear()
        assert not right(ada, name, password)
        assert costs == ["m=19456,t=2,p=1"]


def test_a_password_has_a_length(ada: Database) -> None:
    for bad in ("", "x" * 11, "x" * 1001, "x" * 12 + "\0", "\ud800" * 12):
        refused = [
            refusal(ada, lambda c, p=bad: maintainers.add(c, "eve", p, BY)),
            refusal(ada, lambda c, p=bad: maintainers.set_password(c, "ada", p, BY)),
        ]
        assert refused == [(422, "bad_password")] * 2
    assert right(ada, "ada", PASSWORD)
    for good in ("x" * 12, "é" * 1000):
        with ada.writing() as connection:
            maintainers.set_password(connection, "ada", good, BY)
        assert right(ada, "ada", good)


def test_a_name_is_plain(database: Database) -> None:
    for name in ("", "a\0", "a" * 65, "a" * 1_000_000, "<i>", "a b", "é", "\ud800"):
        refused = refusal(database, lambda c, n=name: maintainers.add(c, n, PASSWORD, BY))
        assert refused == (422, "bad_name")


def test_who_is_not_there_cannot_be_changed(ada: Database) -> None:
    unknown = (404, "no_such_maintainer")
    for name in ("eve", "a\0", "a" * 1_000_000, "\ud800"):
        assert refusal(ada, lambda c, n=name: maintainers.disable(c, n, BY)) == unknown
        changed = refusal(ada, lambda c, n=name: maintainers.set_password(c, n, NEW, BY))
        assert changed == unknown
        assert refusal(ada, lambda c, n=name: sessions.start(c, n)) == (401, "bad_login")


def test_a_name_is_given_once(ada: Database) -> None:
    assert refusal(ada, lambda c: maintainers.add(c, "ada", NEW, BY)) == (409, "taken")
    disable(ada)
    assert refusal(ada, lambda c: maintainers.add(c, "ada", NEW, BY)) == (409, "taken")
    assert refusal(ada, lambda c: maintainers.set_password(c, "ada", NEW, BY)) == (409, "disabled")


def test_a_session_is_found_by_its_id(ada: Database) -> None:
    session, other = started(ada), started(ada)
    assert sessions_found(ada, session.id) == session
    assert len({session.id, other.id, session.csrf, other.csrf}) == 4
    assert sessions_found(ada, session.id[:-1]) is None
    assert sessions_found(ada, session.id + "=") is None


def test_a_session_that_is_replayed_after_logout_is_refused(ada: Database) -> None:
    session, other = started(ada), started(ada)
    for _ in range(2):
        with ada.writing() as connection:
            sessions.end(connection, session.id)
        assert sessions_found(ada, session.id) is None
    assert sessions_found(ada, other.id) == other


def test_a_session_is_over_after_its_time(ada: Database) -> None:
    session = started(ada)
    with ada.writing() as connection:
        connection.execute(update(tables.sessions).values(expires_at="2026-01-01T00:00:00Z"))
    assert sessions_found(ada, session.id) is None
    started(ada)
    with ada.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.sessions)) == 1


def test_a_session_lives_for_half_a_day(ada: Database) -> None:
    session = started(ada)
    with ada.reading() as connection:
        row = connection.execute(select(tables.sessions)).one()
    assert row.expires_at == session.expires_at
    assert hours(row.created_at, row.expires_at) == 12


def test_another_password_logs_out_everywhere_and_the_old_one_is_wrong(ada: Database) -> None:
    with ada.writing() as connection:
        maintainers.add(connection, "bob", PASSWORD, BY)
    first, second, bobs = started(ada), started(ada), started(ada, "bob")
    with ada.writing() as connection:
        maintainers.set_password(connection, "ada", NEW, BY)
    assert sessions_found(ada, first.id) is sessions_found(ada, second.id) is None
    assert sessions_found(ada, bobs.id) == bobs
    assert not right(ada, "ada", PASSWORD) and right(ada, "ada", NEW)


def test_who_is_disabled_is_out_at_once(ada: Database) -> None:
    session = started(ada)
    disable(ada)
    assert sessions_found(ada, session.id) is None
    assert not right(ada, "ada", PASSWORD)
    assert refusal(ada, lambda c: sessions.start(c, "ada")) == (401, "bad_login")


def test_a_session_left_over_from_a_disabled_maintainer_is_not_found(ada: Database) -> None:
    session = started(ada)
    with ada.writing() as connection:
        connection.execute(update(tables.maintainers).values(disabled_at="2026-01-01T00:00:00Z"))
    assert sessions_found(ada, session.id) is None


def test_a_form_has_to_carry_the_token_of_its_own_session(ada: Database) -> None:
    session, other = started(ada), started(ada)
    assert sessions.csrf_valid(session, session.csrf)
    for wrong in (None, "", other.csrf, session.id, session.csrf + "x", "é", "\ud800", "\0"):
        assert not sessions.csrf_valid(session, wrong)


@pytest.mark.usefixtures("full_hashes")
def test_the_database_holds_no_password_and_no_session_id(ada: Database) -> None:
    session = started(ada)
    with ada.reading() as connection:
        rows = [
            row for t in tables.metadata.tables.values() for row in connection.execute(select(t))
        ]
    assert session.csrf in repr(rows)
    assert PASSWORD not in repr(rows) and session.id not in repr(rows)
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in repr(rows)


def test_what_is_printed_of_a_session_opens_nothing(ada: Database) -> None:
    session = started(ada)
    assert "ada" in repr(session)
    assert session.id not in repr(session) and session.csrf not in repr(session)


def test_everything_is_logged(ada: Database) -> None:
    session = started(ada)
    with ada.writing() as connection:
        sessions.end(connection, session.id)
        sessions.end(connection, session.id)
        maintainers.set_password(connection, "ada", NEW, BY)
    disable(ada)
    disable(ada)
    with ada.reading() as connection:
        log = [(e.actor, e.action, e.subject) for e in audit_log.entries(connection)]
        assert audit_log.problems(connection) == []
    assert log == [
        (BY, "add_maintainer", "ada"),
        ("maintainer:ada", "log_in", "ada"),
        ("maintainer:ada", "log_out", "ada"),
        (BY, "set_password", "ada"),
        (BY, "disable_maintainer", "ada"),
    ]


def test_the_command_asks_twice_and_shows_nothing(database_url: str) -> None:
    typed = f"{PASSWORD}\n{PASSWORD}x\n{PASSWORD}\n{PASSWORD}\n"
    done = cli(database_url, "add", "ada", typed=typed)
    assert "do not match" in done.output and PASSWORD not in done.output
    with Database.open(database_url) as board:
        assert right(board, "ada", PASSWORD)


def test_the_command_reads_one_line_for_a_password(database_url: str) -> None:
    cli(database_url, "add", "ada", "--password-stdin", typed=PASSWORD + "\n")
    for number, end in enumerate(("\n", "\r\n", "", "\nmore\n")):
        given = f"{NEW} {number}"
        cli(database_url, "password", "ada", "--password-stdin", typed=given + end)
        with Database.open(database_url) as board:
            assert right(board, "ada", given) and not right(board, "ada", PASSWORD)


def test_the_command_disables_and_the_log_says_who_did(database_url: str) -> None:
    cli(database_url, "add", "ada", "--password-stdin", typed=PASSWORD + "\n")
    cli(database_url, "disable", "ada")
    with Database.open(database_url) as board:
        assert not right(board, "ada", PASSWORD)
        with board.reading() as connection:
            actors = {entry.actor for entry in audit_log.entries(connection)}
    assert [actor.startswith("cli:") and actor != "cli:" for actor in actors] == [True]


def test_the_command_says_what_is_wrong_with_a_password(database_url: str) -> None:
    for typed, said in (
        (b"short\n", "12 to 1000"),
        (b"x" * 20_000, "12 to 1000"),
        (b"\xff\n", "UTF-8"),
    ):
        arguments = ["add", "ada", "--password-stdin", "--database", database_url]
        done = CliRunner().invoke(maintainer.app, arguments, input=typed)
        assert said in str(done.exception)
    with Database.open(database_url) as board, board.reading() as connection:
        assert connection.execute(select(tables.maintainers)).all() == []


def right(database: Database, name: str, password: str) -> bool:
    with database.reading() as connection:
        return maintainers.check(connection, name, password)


def started(database: Database, name: str = "ada") -> Session:
    with database.writing() as connection:
        return sessions.start(connection, name)


def sessions_found(database: Database, id_text: str) -> Session | None:
    with database.reading() as connection:
        return sessions.find(connection, id_text)


def disable(database: Database) -> None:
    with database.writing() as connection:
        maintainers.disable(connection, "ada", BY)


def refusal(database: Database, change: Callable[..., object]) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught, database.writing() as connection:
        change(connection)
    assert len(str(caught.value)) < 300
    return caught.value.status, caught.value.code


def hours(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() / 3600


def cli(database_url: str, *arguments: str, typed: str = ""):
    done = CliRunner().invoke(
        maintainer.app,
        list(arguments),
        input=typed,
        env={"WATTMARK_BOARD_DATABASE": database_url},
    )
    assert done.exit_code == 0, done.output
    return done
