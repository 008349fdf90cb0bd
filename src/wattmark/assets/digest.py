"""sha256 of a file and of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from wattmark.records import content_digest


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_digests(folder: Path) -> dict[str, str]:
    """sha256 of every file below ``folder``, by its relative path with ``/``, sorted."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): file_sha256(p) for p in files}


def tree_digest(files: Mapping[str, str]) -> str:
    """One sha256 for a whole folder: that of the canonical JSON of {path: sha256}."""
    return content_digest(dict(files))
