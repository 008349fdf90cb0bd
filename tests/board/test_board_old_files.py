"""A board and a bundle that an earlier Wattmark wrote (fixtures/c49d51f) open and verify.

One bundle of the board leaves out what has a default; the digest of its result is of the record as
that board read it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from boards import a_run
from sqlalchemy import select, text

from wattmark.board.intake.bundle import read_bundle
from wattmark.board.shelf import audit_log, tables, verification
from wattmark.board.shelf.database import Database
from wattmark.board.shelf.result_documents import document_of
from wattmark.records import bundle_from, bundle_of

OLD = Path(__file__).parent / "fixtures" / "c49d51f"


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "board.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((OLD / "board.sql").read_text())
    with Database.open(f"sqlite:///{path}") as opened:
        yield opened


def test_an_old_board_opens_and_verifies(board: Database) -> None:
    with board.reading() as connection:
        assert list(verification.problems(connection)) == []
        assert len(audit_log.entries(connection)) == 7


def test_every_result_of_an_old_board_has_a_document_of_its_sha256(board: Database) -> None:
    with board.reading() as connection:
        rows = connection.execute(select(tables.results.c.id, tables.results.c.sha256)).all()
        assert len(rows) == 3
        for row in rows:
            document = document_of(connection, row.id)
            assert document is not None
            assert hashlib.sha256(document).hexdigest() == row.sha256


def test_an_altered_number_in_the_log_is_found(board: Database) -> None:
    with board.engine.connect() as connection:
        connection.execute(text("DROP TRIGGER board_audit_no_update"))
        connection.execute(
            text("UPDATE board_audit SET detail = replace(detail, '1e-7', '1E-7') WHERE seq = 7")
        )
        assert audit_log.problems(connection) == ["log: entry 7 is not what its hash was made of"]


def test_an_old_bundle_keeps_its_digest() -> None:
    document = (OLD / "bundle.json").read_bytes()
    digest = (OLD / "bundle.sha256").read_text().strip()
    assert read_bundle(document).digest == bundle_from(document).digest == digest


def test_the_document_of_a_result_is_its_part_of_the_bundle() -> None:
    document = json.loads(bundle_of(a_run()).document)
    for energy in document["results"][0]["energy"]:
        del energy["per_1000_queries"]["value"], energy["per_1000_queries"]["low"]
        energy["per_1000_queries"] = {"value": None, "unit": "Wh/kquery", "reason": "no_meter"}
    bundle = read_bundle(json.dumps(document, indent=1).encode())
    first = bundle.run.results[0].id
    assert bundle.result_document(first) in bundle.document
    assert json.loads(bundle.result_document(first)) == document["results"][0]
