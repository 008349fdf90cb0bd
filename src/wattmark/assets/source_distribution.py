"""Source distributions of PyPI, without running their code.

pip asks a source distribution for its metadata even to download it, and a build backend may run
anything to answer (``setup.py``, for one). pip starts the backend in a process of its own, which
inherits our environment: there a ``sitecustomize`` of ours puts itself in the backend's place
(:mod:`wattmark.assets.no_build`) and answers from the archive's own ``PKG-INFO``. The sha256 is
given to pip as well, which compares it before it unpacks the archive.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from wattmark.assets.reference import PackageRef

#: of source distributions; PyPI takes no others for new uploads (PEP 527)
SUFFIXES = (".tar.gz", ".zip")

_BACKEND = Path(__file__).with_name("no_build")


def download_command(ref: PackageRef, folder: Path) -> list[str]:
    """pip's command that puts the archive into ``folder``; to run with :func:`environment`."""
    pinned = folder.with_name(f"{folder.name}.txt")
    pinned.write_text(f"{ref.name}=={ref.version} --hash=sha256:{ref.sha256}\n")
    return [
        sys.executable, "-P", "-m", "pip", "download",
        "--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-deps",
        "--only-binary=:none:", "--no-binary=:all:", "--no-build-isolation", "--use-pep517",
        "--require-hashes", "--requirement", str(pinned), "--dest", str(folder),
    ]  # fmt: skip


def environment(ref: PackageRef) -> dict[str, str]:
    """Environment variables under which no build backend but ours is imported."""
    return {
        **os.environ,
        "PYTHONPATH": str(_BACKEND),
        "WATTMARK_NO_BUILD": f"{ref.name.replace('-', '_')}-{ref.version}",
    }
