"""Packages of Debian: fetched with the machine's own apt, read as archives, never installed.

A ``.deb`` is an ``ar`` archive whose member ``data.tar.*`` holds the package's files
(https://manpages.debian.org/deb.5). Members are named from the root, without a slash:
``usr/share/...``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from wattmark.errors import AssetError, CorruptArchiveError

_MAGIC = b"!<arch>\n"
_HEADER = 60


def download_command(name: str, version: str) -> list[str]:
    """apt's command that puts the package into the working folder.

    Raises AssetError where there is no apt.
    """
    apt = shutil.which("apt-get")
    if apt is None:
        raise AssetError(
            f"the Debian package {name} {version} is fetched with apt-get, which this machine "
            f"lacks: run this part on Debian or Ubuntu, or copy the cache folder from there"
        )
    return [apt, "download", "--quiet", f"{name}={version}"]


def data_archive(package: Path) -> Path:
    """The tar archive with the package's files, written beside it.

    Raises CorruptArchiveError where ``package`` is not a Debian package or is cut short.
    """
    with package.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise CorruptArchiveError(f"{package.name} is not a Debian package")
        while len(header := stream.read(_HEADER)) == _HEADER:
            name = header[:16].decode("ascii", "replace").strip().rstrip("/")
            size = header[48:58].strip()
            if header[58:] != b"`\n" or not size.isdigit():
                raise CorruptArchiveError(f"{package.name}: bad member header {header!r}")
            if name.startswith("data.tar"):
                content = stream.read(int(size))
                if len(content) != int(size):
                    raise CorruptArchiveError(f"{package.name} is cut short in {name}")
                # a name of ours: the archive's own could be a path
                target = package.with_name("data.tar")
                target.write_bytes(content)
                return target
            stream.seek(int(size) + int(size) % 2, 1)
    raise CorruptArchiveError(f"{package.name} has no data archive")
