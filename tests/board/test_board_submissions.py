"""Received, queued, accepted or rejected: each step once, and all of it or nothing."""

from __future__ import annotations

import pytest
from boards import a_run, accepted
from sqlalchemy import func, select

from wattmark.board.intake import submissions
from wattmark.board.intake.submissions import Status, Submission
from wattmark.board.shelf import audit_log, catalogue, tables
from wattmark.board.shelf.database import Database
from wattmark.board.shelf.verification import problems
from wattmark.errors import RefusedError
from wattmark.records import Bundle, bundle_of


def received(database: Database, bundle: Bundle) -> tuple[Submission, bool]:
    with database.writing() as connection:
        return submissions.receive(connection, bundle, by="token:1")


def count(database: Database, table: str) -> int:
    with database.reading() as connection:
        found = connection.scalar(select(func.count()).select_from(getattr(tables, table)))
    assert found is not None
    return found


def test_a_bundle_waits_for_a_maintainer(database: Database) -> None:
    bundle = bundle_of(a_run())

    submission, new = received(database, bundle)

    assert new
    assert submission.status is Status.QUEUED
    assert [f.code for f in submission.findings] == ["unsigned"]
    assert count(database, "results") == 0
    with database.reading() as connection:
        assert submissions.document_of(connection, bundle.digest) == bundle.document


def test_the_same_bundle_again_is_the_same_submission(database: Database) -> None:
    bundle = bundle_of(a_run())
    first, _ = received(database, bundle)

    again, new = received(database, bundle)

    assert not new
    assert again == first
    assert count(database, "bundles") == 1


def test_an_accepted_bundle_is_on_the_board(database: Database) -> None:
    (digest,) = accepted(database, a_run())

    with database.reading() as connection:
        (edition,) = catalogue.editions(connection)
        (task,) = catalogue.tasks(connection, edition.name)
        submission = submissions.find(connection, digest)
        log = [e.action for e in audit_log.entries(connection)]
        assert list(problems(connection)) == []
    assert task.results == 9
    assert submission is not None
    assert submission.status is Status.ACCEPTED
    assert log == ["submit", "open_edition", "accept"]


def test_a_rejection_has_a_reason(database: Database) -> None:
    bundle = bundle_of(a_run())
    received(database, bundle)
    with pytest.raises(RefusedError, match="says why"), database.writing() as connection:
        submissions.reject(connection, bundle.digest, by="ada", reason=" ")

    with database.writing() as connection:
        submissions.reject(connection, bundle.digest, by="ada", reason="the machine was busy")

    with database.reading() as connection:
        found = submissions.find(connection, bundle.digest)
    assert found is not None
    assert (found.status, found.decision_reason) == (Status.REJECTED, "the machine was busy")
    assert count(database, "results") == 0


def test_a_decision_is_final(database: Database) -> None:
    (digest,) = accepted(database, a_run())
    with pytest.raises(RefusedError, match="accepted already"), database.writing() as connection:
        submissions.reject(connection, digest, by="ada", reason="after all")
    with pytest.raises(RefusedError, match="accepted already"), database.writing() as connection:
        submissions.accept(connection, digest, by="ada")


def test_what_is_not_there_cannot_be_decided(database: Database) -> None:
    with pytest.raises(RefusedError) as refused, database.writing() as connection:
        submissions.accept(connection, "0" * 64, by="ada")
    assert refused.value.status == 404


def test_what_cannot_be_true_is_not_queued(database: Database) -> None:
    with pytest.raises(RefusedError, match="no time up to now") as refused:
        received(database, bundle_of(a_run(created_at="2999-01-01T00:00:00+00:00")))
    assert refused.value.status == 422
    assert count(database, "bundles") == 0


def test_results_that_are_all_there_are_a_duplicate(database: Database) -> None:
    accepted(database, a_run())
    with pytest.raises(RefusedError, match="already") as refused:
        received(database, bundle_of(a_run(measured_s=1.0)))
    assert refused.value.status == 409


def test_another_bundle_of_a_run_is_pointed_out(database: Database) -> None:
    accepted(database, a_run(1))
    correction = a_run(2).model_copy(update={"id": a_run(1).id})

    submission, _ = received(database, bundle_of(correction))

    assert {f.code for f in submission.findings} == {"unsigned", "same_run"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("m" * 301, "model has over 300 characters"),
        ("two\nlines", "control characters"),
        ("../secret", "is a path, not a name"),
        ("..", "is a path, not a name"),
    ],
)
def test_a_name_that_has_no_place_is_refused(database: Database, name: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        received(database, bundle_of(a_run(model=name)))
