"""A board on each of the two databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wattmark.board.people import argon2id
from wattmark.board.shelf.database import Database

_MEMORY_KIB = argon2id._MEMORY_KIB
KINDS = ["sqlite", "postgresql"]


@pytest.fixture(autouse=True, scope="module")
def quick_hashes() -> Iterator[None]:
    """Tokens and passwords are hashed by Argon2id as ever, in a two-hundredth of the memory."""
    with _hashes_of(memory_kib=96):
        yield


@pytest.fixture
def full_hashes() -> Iterator[None]:
    """Hashes are as slow as those of a real board, for a test of what they cost."""
    with _hashes_of(memory_kib=_MEMORY_KIB):
        yield


@contextmanager
def _hashes_of(memory_kib: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argon2id, "_MEMORY_KIB", memory_kib)
        _forget_hashes()
        yield
    _forget_hashes()


def _forget_hashes() -> None:
    argon2id._hasher.cache_clear()
    argon2id._nobodys.cache_clear()


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of both kinds in turn."""
    return _url(request.param, request, tmp_path)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url) as opened:
        yield opened


@pytest.fixture(scope="module", params=KINDS)
def shared_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """An empty board, of both kinds in turn, for a module whose tests fill it once and read it."""
    with Database.open(_url(request.param, request, tmp_path_factory.mktemp("board"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def second_database(
    shared_database: Database,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Database]:
    """Another empty board of a module, of the same kind as the first."""
    kind = shared_database.engine.dialect.name
    with Database.open(_url(kind, request, tmp_path_factory.mktemp("board"))) as opened:
        yield opened


def _url(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'board.db'}"
    url: str = request.getfixturevalue("new_postgresql")()
    return url
