"""A file that is written whole or not at all, so that a reader never sees half of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """An empty file to write and read, which takes the place of ``path`` when the block has ended.

    It lies beside its place, in a folder that is made where there is none, is flushed to the disk
    and then renamed; the folder is flushed too, so that it is there after a loss of power. Where
    the block fails, ``path`` is as it was. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        with partial.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_whole(path: Path, content: str | bytes) -> None:
    """Put bytes, or a text as UTF-8, in place of what the file held. Raises OSError."""
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
