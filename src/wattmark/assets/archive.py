"""Take chosen files out of a zip or tar archive, and nothing else.

Paths that would leave the target folder, links and devices are refused. File modes, owners and
times are not restored.
"""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from wattmark.errors import CorruptArchiveError


def extract(archive: Path, patterns: Iterable[str], target: Path) -> None:
    """Write the members of ``archive`` that match a pattern below ``target``.

    Raises CorruptArchiveError where the archive cannot be read, a pattern matches no file, or
    a member that it matches is unsafe.
    """
    try:
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, tuple(patterns), target)
        else:
            _extract_tar(archive, tuple(patterns), target)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError,
            RuntimeError) as error:  # fmt: skip
        raise CorruptArchiveError(
            f"{archive.name} cannot be read as a zip or tar archive: {error}"
        ) from error


def _extract_zip(archive: Path, patterns: tuple[str, ...], target: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = {m.filename: m for m in opened.infolist() if not m.is_dir()}
        for name in _matching(archive, members, patterns):
            mode = members[name].external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise CorruptArchiveError(f"{archive.name}: {name} is not a plain file")
            with opened.open(members[name]) as source:
                _write(archive, name, source, target)


def _extract_tar(archive: Path, patterns: tuple[str, ...], target: Path) -> None:
    with tarfile.open(archive, "r:*") as opened:
        members = {m.name.removeprefix("./"): m for m in opened.getmembers() if not m.isdir()}
        for name in _matching(archive, members, patterns):
            source = opened.extractfile(members[name]) if members[name].isfile() else None
            if source is None:
                raise CorruptArchiveError(f"{archive.name}: {name} is not a plain file")
            with source:
                _write(archive, name, source, target)


def _matching(archive: Path, members: Iterable[str], patterns: tuple[str, ...]) -> list[str]:
    names = sorted(members)
    chosen: set[str] = set()
    for pattern in patterns:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            raise CorruptArchiveError(f"{archive.name} has no member {pattern!r}")
        chosen.update(found)
    return sorted(chosen)


def _write(archive: Path, name: str, source: IO[bytes], target: Path) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[0]:
        raise CorruptArchiveError(f"{archive.name}: {name!r} would be written outside its folder")
    destination = target / path
    destination.parent.mkdir(parents=True, exist_ok=True)
    with destination.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
