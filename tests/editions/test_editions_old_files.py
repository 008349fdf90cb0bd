"""An edition that an earlier Wattmark wrote (fixtures/c49d51f) opens and verifies.

Its digest is of the bytes of its file, so it stays what it is whatever a record has later.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from wattmark.editions.edition import Edition, digest
from wattmark.editions.edition_files import Editions

OLD = Path(__file__).parent / "fixtures" / "c49d51f"
NAME = "2026-H1"


@pytest.fixture
def shelf(tmp_path: Path) -> Editions:
    shutil.copytree(OLD, tmp_path / "editions")
    return Editions(tmp_path / "editions")


def test_an_old_edition_opens_and_verifies(shelf: Editions) -> None:
    assert shelf.verify(NAME) == []
    assert len(shelf.load(NAME).entries) == 5


def test_the_digest_is_that_of_the_file_without_it(shelf: Editions) -> None:
    written = (shelf.folder / f"{NAME}.json").read_bytes()
    assert digest(written) == shelf.load(NAME).digest


def test_a_file_that_was_laid_out_anew_still_says_the_same(shelf: Editions) -> None:
    path = shelf.folder / f"{NAME}.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=2))
    assert shelf.verify(NAME) == []


def test_a_file_that_says_something_else_is_found(shelf: Editions) -> None:
    path = shelf.folder / f"{NAME}.json"
    path.write_text(path.read_text().replace("AMD EPYC", "AMD Epyc"))
    assert "does not have the digest" in shelf.verify(NAME)[0]


def test_the_digest_does_not_hang_on_what_a_record_has_later(
    shelf: Editions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dumped_otherwise(edition: Edition) -> bytes:
        raise AssertionError("a frozen edition is not written anew to be checked")

    monkeypatch.setattr("wattmark.editions.edition_problems.document", dumped_otherwise)
    assert shelf.verify(NAME) == []
