"""Source distributions through the real pip: whatever would build them must not run."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from wattmark.assets import PackageRef, resolve
from wattmark.errors import AssetError

METADATA = "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\n"

#: how a source distribution can have code run: setup.py, a named backend, one of its own
LAYOUTS = {
    "setup.py": {},
    "installed backend": {"pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'
                          'build-backend = "setuptools.build_meta"\n'},
    "own backend": {"pyproject.toml": '[build-system]\nrequires = []\n'
                    'build-backend = "setup"\nbackend-path = ["."]\n'},
    "own backend of our name": {"pyproject.toml": '[build-system]\nrequires = []\n'
                                'build-backend = "sitecustomize"\nbackend-path = ["."]\n'},
}  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("real_pip")]


def published(index: Path, ran: Path, extra: dict[str, str], sha256: str = "") -> PackageRef:
    code = f"open({str(ran)!r}, 'w')\n"
    files = {"PKG-INFO": METADATA, "setup.py": code, "sitecustomize.py": code,
             "setuptools.py": code, "data/photo.jpg": "photo", **extra}  # fmt: skip
    archive = index / "tiny_data-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"tiny_data-1.0/{name}")
            entry.size = len(content)
            opened.addfile(entry, io.BytesIO(content.encode()))
    return PackageRef(
        name="tiny-data",
        version="1.0",
        sha256=sha256 or hashlib.sha256(archive.read_bytes()).hexdigest(),
        members=("tiny_data-1.0/data/*",),
        file=archive.name,
        licence="MIT",
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_are_had_and_no_code_of_the_archive_runs(layout, index, tmp_path):
    ran = tmp_path / "ran"
    asset = resolve(published(index, ran, LAYOUTS[layout]))
    assert asset.path("tiny_data-1.0/data/photo.jpg").read_text() == "photo"
    assert not ran.exists()


def test_other_archive_than_the_pinned_one_is_refused_before_it_is_opened(index, tmp_path):
    with pytest.raises(AssetError, match="DO NOT MATCH THE HASHES"):
        resolve(published(index, tmp_path / "ran", {}, sha256="0" * 64))
    assert not (tmp_path / "ran").exists()
