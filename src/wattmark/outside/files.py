"""Files that the user names: whatever goes wrong with one says which."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wattmark.errors import InputError


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError of what is done within carries this path where it has none of its own.

    A full disk is met while writing, when the system no longer says which file it was.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(path)
        raise


def writable(path: Path) -> None:
    """Refuse, before there is anything to lose, a path that no file can be written to.

    Raises InputError that says why. What only shows while writing (a full disk) stays unseen.
    """
    folder = path.parent
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file in it")
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist: make it first"
        raise InputError(f"{path} cannot be written: {folder} {what}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise InputError(f"{path} cannot be written: you may not write it")
