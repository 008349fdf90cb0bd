"""Files that the user names: whatever goes wrong with one says which."""

from __future__ import annotations

import errno
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
    folder, name = path.parent, os.fspath(path)
    if path.is_dir():
        raise InputError(f"{name}: {os.strerror(errno.EISDIR)}; name a file in it")
    if not folder.exists():
        raise InputError(f"{name}: {os.strerror(errno.ENOENT)}; make the folder {folder} first")
    if not folder.is_dir():
        raise InputError(f"{name}: {os.strerror(errno.ENOTDIR)}; {folder} is a file")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise InputError(f"{name}: {os.strerror(errno.EACCES)}; you may not write it")
