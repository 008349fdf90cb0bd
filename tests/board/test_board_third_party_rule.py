"""An edition of the board under a third party's rule: rated, shown, exported and verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from boards import a_run, accepted

from wattmark.board.shelf import catalogue, standings, tables_out
from wattmark.board.shelf.database import Database
from wattmark.board.shelf.rules_in_use import limits_texts, rule_of, rule_text
from wattmark.board.shelf.verification import problems
from wattmark.editions.edition_files import Editions

pytestmark = pytest.mark.usefixtures("fake_plugin")


@pytest.fixture(autouse=True)
def november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattmark.board.shelf.times.now", lambda: "2026-11-27T12:00:00Z")


def test_an_edition_has_its_stars_its_text_and_its_command(
    database: Database, tmp_path: Path
) -> None:
    with database.writing() as connection:
        standings.open_edition(connection, "2026-H2", "fake-doublings", by="ada")
    accepted(database, a_run(1))
    with database.writing() as connection:
        made = standings.freeze(connection, "2026-H2", "2026-11-27", by="ada")
    assert (made.rule, made.rule_version, made.min_population) == ("fake-doublings", 3, 2)
    assert {star.stars for star in made.stars} - {None} <= {5, 4}
    assert any(star.probability for star in made.stars)
    with database.reading() as connection:
        (info,) = catalogue.editions(connection)
        document = catalogue.edition_document(connection, "2026-H2")
        assert list(problems(connection)) == []
    assert rule_text(info).startswith("Up to twice the least energy")
    assert limits_texts(info) == []
    assert " --rule fake-doublings --out" in tables_out.recompute_command("2026-H2", rule=info.rule)
    assert document is not None
    (tmp_path / "2026-H2.json").write_bytes(document)
    assert Editions(tmp_path).verify("2026-H2") == []


def test_a_rule_that_needs_limits_has_those_of_each_population(database: Database) -> None:
    accepted(database, a_run(1))
    with database.writing() as connection:
        first = standings.freeze(connection, "2026-H2", "2026-11-27", by="ada")
        standings.open_edition(connection, "2027-H1", "fake-strict", by="ada")
        info = next(e for e in catalogue.editions(connection) if e.name == "2027-H1")
    (population,) = {entry.group for entry in first.entries}
    assert info.limits is not None
    its = tuple(1000 * limit for limit in info.limits[population])
    assert rule_of(info, population, 1000.0).limits == pytest.approx(its)
    assert [name for name, _ in limits_texts(info)] == [population]
    assert " --limits 2027-H1.limits.json" in tables_out.recompute_command(
        "2027-H1", rule=info.rule
    )
