"""A board on each of the two databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wattmark.board.shelf.database import Database

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of both kinds in turn."""
    return _url(request, tmp_path)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url) as opened:
        yield opened


@pytest.fixture(scope="module", params=KINDS)
def shared_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """An empty board, of both kinds in turn, for a module whose tests fill it once and read it."""
    with Database.open(_url(request, tmp_path_factory.mktemp("board"))) as opened:
        yield opened


def _url(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'board.db'}"
    url: str = request.getfixturevalue("new_postgresql")()
    return url
