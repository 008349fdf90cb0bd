"""A file that is written whole or not at all, so that a reader never sees half of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wattmark.outside.files import naming


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """An empty file to write, which takes the place of ``path`` when the block has ended.

    It lies beside its place (a link's target), in a folder that is made where there is none, is
    flushed to the disk and then renamed; the folder is flushed too, so that it is there after a
    loss of power. Where the block fails, ``path`` is as it was. A device or pipe is written to as
    it is. Raises OSError, which names ``path``.
    """
    with naming(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as file:
                yield file
            return
        place = path.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name}.{os.getpid()}-{threading.get_ident()}.partial")
        try:
            with partial.open("w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(place)
        finally:
            partial.unlink(missing_ok=True)
        _flush_folder(place.parent)


def _flush_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_whole(path: Path, content: str | bytes) -> None:
    """Put bytes, or a text as UTF-8, in place of what the file held. Raises OSError."""
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
