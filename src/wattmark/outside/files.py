"""Files that the user names: whatever goes wrong with one says which."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
