"""Editions on the board: what takes a place, how it is rated, and what freezing keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from boards import a_run, accepted
from sqlalchemy import update

from wattmark.board.shelf import catalogue, standings, tables
from wattmark.board.shelf.database import Database
from wattmark.board.shelf.verification import problems
from wattmark.editions.edition import Edition
from wattmark.editions.edition_files import Editions
from wattmark.errors import BoardError, WattmarkError


@pytest.fixture(autouse=True)
def november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattmark.board.shelf.times.now", lambda: "2026-11-27T12:00:00Z")


def freeze(database: Database, name: str = "2026-H2", date: str = "2026-11-27") -> Edition:
    with database.writing() as connection:
        return standings.freeze(connection, name, date, by="ada")


def shown(database: Database, edition: str) -> dict[tuple[str, str], tuple[object, ...]]:
    with database.reading() as connection:
        rows = catalogue.page(connection, catalogue.Filter(edition), limit=1000)
    return {
        (r["model"], r["setup"]): (r["stars"], r["probability"], r["distance_pct"]) for r in rows
    }


@pytest.mark.parametrize(
    ("date", "name"),
    [("2026-01-01", "2026-H1"), ("2026-06-30", "2026-H1"), ("2026-07-01", "2026-H2")],
)
def test_an_edition_is_a_half_year(date: str, name: str) -> None:
    assert standings.half_year(date) == name


def test_the_first_result_opens_the_edition_of_its_half_year(database: Database) -> None:
    accepted(database, a_run())
    with database.reading() as connection:
        (edition,) = catalogue.editions(connection)
    assert (edition.name, edition.closes, edition.frozen_on) == ("2026-H2", "2026-12-31", None)


def test_what_is_shown_is_what_freezing_gives(database: Database) -> None:
    accepted(database, a_run(1), a_run(2, model="another"), a_run(3, model="a/third"))
    before = shown(database, "2026-H2")

    edition = freeze(database)

    assert shown(database, "2026-H2") == before
    assert {
        (e.model, e.setup): (s.stars, s.probability, s.distance_pct)
        for e, s in zip(edition.entries, edition.stars, strict=True)
    } == before


def test_a_downloaded_edition_is_verified_by_the_command(
    database: Database, tmp_path: Path
) -> None:
    accepted(database, a_run(1), a_run(2, model="another"))
    freeze(database)
    with database.reading() as connection:
        document = catalogue.edition_document(connection, "2026-H2")
        assert document is not None
    (tmp_path / "2026-H2.json").write_bytes(document)

    assert Editions(tmp_path).verify("2026-H2") == []
    tampered = json.loads(document)
    tampered["entries"][0]["energy_wh"] /= 2
    (tmp_path / "2026-H2.json").write_text(json.dumps(tampered))
    assert Editions(tmp_path).verify("2026-H2") != []


def test_a_newer_result_of_a_setup_takes_the_place_of_the_older(database: Database) -> None:
    accepted(database, a_run(1, created_at="2026-02-01T00:00:00+00:00"))
    accepted(database, a_run(2, created_at="2026-03-01T00:00:00+00:00"))
    with database.reading() as connection:
        rows = catalogue.page(connection, catalogue.Filter("2026-H2"))
    assert {r["run_id"] for r in rows} == {a_run(2).id}

    accepted(database, a_run(3, created_at="2026-01-15T00:00:00+00:00"))

    with database.reading() as connection:
        rows = catalogue.page(connection, catalogue.Filter("2026-H2"))
    assert {r["run_id"] for r in rows} == {a_run(2).id}


def test_results_after_freezing_wait_for_the_next_edition(database: Database) -> None:
    accepted(database, a_run(1))
    document = freeze(database)

    accepted(database, a_run(2, model="late"))

    with database.reading() as connection:
        newest, first = catalogue.editions(connection)
        assert list(problems(connection)) == []
    assert (newest.name, newest.previous, newest.frozen_on) == ("2027-H1", "2026-H2", None)
    assert first.digest == document.digest
    assert len(shown(database, "2026-H2")) == 9
    assert len(shown(database, "2027-H1")) == 18


def test_an_edition_that_nobody_froze_is_frozen_when_its_half_year_is_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(database, a_run(1))
    monkeypatch.setattr("wattmark.board.shelf.times.now", lambda: "2027-02-01T12:00:00Z")

    accepted(database, a_run(2, model="late"))

    with database.reading() as connection:
        newest, first = catalogue.editions(connection)
    assert (newest.name, first.frozen_on) == ("2027-H1", "2026-12-31")


def test_what_changed_from_edition_to_edition_is_told(database: Database) -> None:
    accepted(database, a_run(1))
    freeze(database)
    accepted(database, a_run(9, model="newcomer"))
    freeze(database, "2027-H1", "2027-01-02")

    with database.reading() as connection:
        changes = catalogue.edition_changes(connection, "2027-H1")

    assert changes is not None
    assert len(changes["joined"]) == 9
    assert changes["left"] == []
    assert {c["why"] for c in changes["changed"]} == {"population"}
    assert "others joined" in changes["changed"][0]["sentence"]


def test_frozen_is_frozen(database: Database) -> None:
    accepted(database, a_run(1))
    freeze(database)
    with pytest.raises(BoardError, match="frozen already"):
        freeze(database)


def test_an_edition_is_not_opened_before_the_one_before_is_frozen(database: Database) -> None:
    accepted(database, a_run(1))
    for name, said in [("2027-H1", "not frozen"), ("2026-H2", "exists"), ("soon", "half-year")]:
        with pytest.raises(WattmarkError, match=said), database.writing() as connection:
            standings.open_edition(connection, name, by="ada")


def test_verification_finds_stars_that_were_changed(database: Database) -> None:
    accepted(database, a_run(1))
    freeze(database)
    with database.writing() as connection:
        connection.execute(update(tables.standings).values(stars=5))
        connection.execute(update(tables.bundles).values(document=b"x"))
    with database.reading() as connection:
        found = list(problems(connection))
    assert any("its document has another digest" in problem for problem in found)
    assert any("shown with 5 stars, frozen with" in problem for problem in found)


def test_an_edition_with_fixed_limits_draws_them_from_the_one_before(database: Database) -> None:
    accepted(database, a_run(1), a_run(2, model="another"))
    freeze(database)

    with database.writing() as connection:
        standings.open_edition(connection, "2027-H1", "absolute", by="ada")
    edition = freeze(database, "2027-H1", "2027-01-02")

    assert edition.limits is not None
    stars = {star.stars for star in edition.stars} - {None}
    assert stars == {1, 2, 3, 4}  # the top class is empty at birth
    with database.reading() as connection:
        assert list(problems(connection)) == []


def test_the_next_edition_keeps_the_rule(database: Database) -> None:
    with database.writing() as connection:
        standings.open_edition(connection, "2026-H2", "aies-2025", by="ada")
    accepted(database, a_run(1))
    freeze(database)
    accepted(database, a_run(2, model="late"))
    with database.reading() as connection:
        assert {e.rule for e in catalogue.editions(connection)} == {"aies-2025"}
