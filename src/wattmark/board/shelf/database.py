"""The board's database: opened, migrated, read, and written to one change after another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, event, select, update
from sqlalchemy.exc import SQLAlchemyError, StatementError

from wattmark.assets import data_folder
from wattmark.board.shelf import tables
from wattmark.errors import BoardError, StoreError
from wattmark.store.database import Schema, open_database

_MIGRATIONS = Path(__file__).with_name("migrations")
#: The newest revision: their files are named by them.
_HEAD = max(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
SCHEMA = Schema("board", _HEAD, _MIGRATIONS, "wattmark_board_version")
DATABASE_NAME = "board.db"


class Database:
    """A context manager; :meth:`open` makes one. Every method raises BoardError where it refuses.

    ``embedded`` says whether it is the SQLite file of this machine's user.
    """

    def __init__(self, url: str, *, embedded: bool) -> None:
        options: dict[str, Any] = {}
        if not url.startswith("sqlite"):
            options = {"pool_size": 16, "max_overflow": 8, "pool_pre_ping": True}
        try:
            self.engine = open_database(url, SCHEMA, **options)
        except StoreError as error:
            raise BoardError(str(error)) from error
        self.embedded = embedded
        self._sqlite = self.engine.dialect.name == "sqlite"
        if self._sqlite:
            event.listen(self.engine, "begin", _begin_sqlite)

    @classmethod
    def open(cls, url: str | None = None) -> Self:
        """The board at a SQLAlchemy URL; without one, ``board.db`` in the user's data folder."""
        if url is not None:
            return cls(_driver(url), embedded=False)
        folder = data_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BoardError(
                f"the data folder {folder} cannot be made ({error.strerror}): "
                "set WATTMARK_DATA to a folder that you may write to"
            ) from error
        return cls(f"sqlite:///{(folder / DATABASE_NAME).absolute()}", embedded=True)

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the board until the block is left."""
        with _told("read"), self.engine.connect() as connection:
            if not self._sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def writing(self, *, shown: bool = True) -> Iterator[Connection]:
        """One change: whole on the disk when the block is left, nothing of it after an error.

        Changes follow each other: whoever is second waits here until the first is done. One that
        no page for the public shows (a login, a bundle that waits) is not ``shown``: what readers
        keep stays good.
        """
        with _told("written"), self.engine.begin() as connection:
            row = tables.state
            connection.execute(update(row).values(version=row.c.version + int(shown)))
            yield connection

    def version(self, connection: Connection) -> int:
        """A number that grows with every change that a page shows."""
        found: int = connection.execute(select(tables.state.c.version)).scalar_one()
        return found


def _driver(url: str) -> str:
    """``postgresql://`` means the driver that is installed."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _begin_sqlite(connection: Connection) -> None:
    """Reads and writes of a block belong to one transaction, in SQLite too."""
    connection.exec_driver_sql("BEGIN")


@contextmanager
def _told(done: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = error.orig if isinstance(error, StatementError) else error
        raise BoardError(f"the board cannot be {done}: {reason}") from error
