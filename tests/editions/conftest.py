"""Editions in a folder of their own, on a day on which they are open."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelves import a_run

from wattmark.editions import edition_files as editions_module
from wattmark.editions.edition_files import Editions
from wattmark.records import bundle_of


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editions:
    monkeypatch.setattr(editions_module, "today", lambda: "2026-06-01")
    return Editions(tmp_path / "editions")


@pytest.fixture
def first(shelf: Editions) -> Editions:
    shelf.open("2026-H1", "quintile")
    shelf.add("2026-H1", [bundle_of(a_run())])
    shelf.freeze("2026-H1")
    return shelf
