"""A board on each of the two databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import real_postgresql as postgresql

from wattmark.board.database import Database


@pytest.fixture(scope="session")
def postgresql_folder() -> Iterator[str]:
    if postgresql.programs() is None:
        pytest.skip("no PostgreSQL on this machine")
    with postgresql.cluster() as folder:
        yield folder


@pytest.fixture(scope="session")
def new_postgresql(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes a new empty database: its URL."""
    folder = request.getfixturevalue("postgresql_folder")
    return lambda: postgresql.new_url(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of both kinds in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'board.db'}"
    url: str = request.getfixturevalue("new_postgresql")()
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url) as opened:
        yield opened
