"""The log of a board: what is changed behind its back is found, and where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from wattmark.board.shelf import audit_log, tables
from wattmark.board.shelf.database import Database
from wattmark.errors import BoardError, RefusedError


def test_entries_follow_each_other(database: Database) -> None:
    fill(database, 3)
    with database.reading() as connection:
        first, second, third = audit_log.entries(connection)
        assert audit_log.problems(connection) == []
    assert (first.seq, second.seq, third.seq) == (1, 2, 3)
    assert (first.actor, first.action, first.subject) == ("cli:ada", "accept", "bundle 1")
    assert first.detail == {"reason": "Grüße\0", "results": 1, "share": 1e20}
    assert first.previous_sha256 == audit_log.FIRST
    assert (second.previous_sha256, third.previous_sha256) == (first.sha256, second.sha256)


def test_a_long_log_is_read_in_pieces(database: Database) -> None:
    fill(database, 7)
    with database.reading() as connection:
        assert [e.seq for e in audit_log.entries(connection, after=2, limit=3)] == [3, 4, 5]
        assert audit_log.entries(connection, after=7) == []
        assert audit_log.entries(connection, after=2**70) == []
        assert [e.seq for e in audit_log.entries(connection, limit=2**70)] == list(range(1, 8))


def test_an_entry_belongs_to_the_change_it_tells_of(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            audit_log.append(connection, "cli:ada", "accept", "x")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError):
        fail()
    with database.reading() as connection:
        assert audit_log.entries(connection) == []


ALTERED = [
    {"at": "2026-01-01T00:00:00Z"},
    {"actor": "cli:eve"},
    {"action": "reject"},
    {"subject": "bundle 4"},
    {"detail": "{}"},
    {"detail": '{"reason":"Grüße\\u0000", "results":3,"share":100000000000000000000}'},
    {"detail": "[" * 100_000},
    {"detail": "1" * 100_000},
    {"detail": "no JSON"},
]


def test_an_altered_entry_is_found(database: Database) -> None:
    fill(database, 5)
    for values in ALTERED:
        assert problems_after(database, lambda c, v=values: alter(c, 3, **v)) == [
            "log: entry 3 is not what its hash was made of"
        ]


def test_an_entry_that_cannot_be_read_is_a_clear_error(database: Database) -> None:
    fill(database, 2)

    def tamper(connection: Connection) -> None:
        for detail in ("no JSON", "[" * 100_000):
            alter(connection, 2, detail=detail)
            with pytest.raises(BoardError, match="log: entry 2 was altered"):
                audit_log.entries(connection)

    problems_after(database, tamper)


def test_an_altered_entry_with_a_hash_that_fits_breaks_the_link_to_it(database: Database) -> None:
    fill(database, 5)

    def forge(connection: Connection) -> None:
        """As one who reads this code would: the entry made anew on top of the one before."""
        after = connection.execute(
            select(tables.audit).where(tables.audit.c.seq >= 3).order_by(tables.audit.c.seq)
        ).all()
        connection.execute(delete(tables.audit).where(tables.audit.c.seq >= 3))
        audit_log.append(connection, "cli:eve", "reject", "bundle 3")
        connection.execute(insert(tables.audit), [dict(row._mapping) for row in after[1:]])

    assert problems_after(database, forge) == [
        "log: entry 4 does not follow entry 3 as that now stands"
    ]


def test_a_missing_entry_is_found(database: Database) -> None:
    fill(database, 5)

    def cut(connection: Connection) -> None:
        connection.execute(delete(tables.audit).where(tables.audit.c.seq.in_([1, 4])))

    assert problems_after(database, cut) == [
        "log: entry 1 is missing: entry 2 comes next",
        "log: entry 4 is missing: entry 5 comes next",
    ]


def test_every_break_is_told(database: Database) -> None:
    fill(database, 6)

    def tamper(connection: Connection) -> None:
        alter(connection, 2, actor="cli:eve")
        alter(connection, 5, previous_sha256="f" * 64)

    assert problems_after(database, tamper) == [
        "log: entry 2 is not what its hash was made of",
        "log: entry 5 does not follow entry 4 as that now stands",
        "log: entry 5 is not what its hash was made of",
    ]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(values=st.lists(json_values, min_size=1, max_size=3))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_json_is_logged_is_later_found_unaltered(
    database: Database, values: list[object]
) -> None:
    with database.engine.connect() as connection:
        for value in values:
            audit_log.append(connection, "cli:ada", "note", "x", value=value)
        assert [entry.detail["value"] for entry in audit_log.entries(connection)] == values
        assert audit_log.problems(connection) == []
        connection.rollback()


UNLOGGABLE = [
    ("a\0", "x", None),
    ("a", "x\0", None),
    ("a" * 141, "x", None),
    ("a", "x" * 301, None),
    ("a", "x", "\ud800"),
    ("a", "\ud800", None),
    ("a", "x", float("nan")),
    ("a", "x", 2**63),
    ("a", "x", object()),
]


def test_what_cannot_be_logged_is_refused(database: Database) -> None:
    for actor, subject, detail in UNLOGGABLE:
        with database.writing() as connection:
            with pytest.raises(RefusedError) as caught:
                audit_log.append(connection, actor, "note", subject, detail=detail)
            assert audit_log.entries(connection) == []
        assert (caught.value.status, caught.value.code) == (422, "unloggable")


def fill(database: Database, number: int) -> None:
    for i in range(1, number + 1):
        with database.writing() as connection:
            audit_log.append(
                connection,
                "cli:ada",
                "accept",
                f"bundle {i}",
                reason="Grüße\0",
                results=i,
                share=1e20,
            )


def alter(connection: Connection, seq: int, **values: str) -> None:
    done = connection.execute(
        update(tables.audit).where(tables.audit.c.seq == seq).values(**values)
    )
    assert done.rowcount == 1


def problems_after(database: Database, tamper: Callable[[Connection], None]) -> list[str]:
    """What is found after somebody took the triggers away and changed the log; then undone."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER board_audit_no_update")
            connection.exec_driver_sql("DROP TRIGGER board_audit_no_delete")
        else:
            connection.exec_driver_sql("DROP TRIGGER board_audit_append_only ON board_audit")
        tamper(connection)
        found = audit_log.problems(connection)
        connection.rollback()
        return found
