"""Where the store lies: a data folder with the database and one folder of raw files a run.

* The folder is :func:`wattmark.assets.data_folder` where nothing else is said.
* ``WATTMARK_STORE_URL`` replaces the SQLite file by another database, as a SQLAlchemy URL. Raw
  files stay in the data folder.
"""

from __future__ import annotations

import os
from pathlib import Path

DATABASE_NAME = "wattmark.db"


def database_url(folder: Path) -> str:
    """The SQLAlchemy URL of the SQLite database in a data folder."""
    return f"sqlite:///{folder.absolute() / DATABASE_NAME}"


def configured_url() -> str | None:
    """The URL that the user set, if any."""
    return os.environ.get("WATTMARK_STORE_URL") or None


def run_folder(folder: Path, run_id: str) -> Path:
    """Where the raw files of a run lie."""
    return folder / "runs" / run_id
