"""A hand-made .deb, and a stand-in for apt-get that leaves it in its working folder."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from wattmark.assets import PackageRef, resolve
from wattmark.assets.debian import data_archive
from wattmark.errors import AssetError, CorruptArchiveError, DigestMismatchError


def member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)


def tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:xz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def package(data: bytes) -> bytes:
    control = tar({"./control": b"Package: photos\n"})
    parts = [("debian-binary", b"2.0\n"), ("control.tar.xz", control), ("data.tar.xz", data)]
    return b"!<arch>\n" + b"".join(member(name, content) for name, content in parts)


CONTENT = package(tar({"./usr/share/photos/a.jpg": b"photo", "./usr/bin/tool": b"program"}))


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []

    def run(command: list[str], *, cwd: Path, **options: object) -> object:
        commands.append(command)
        (cwd / "photos_1%3a2.0~git-3_all.deb").write_bytes(CONTENT)
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return commands


def reference(sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> PackageRef:
    return PackageRef(
        registry="debian",
        name="photos",
        version="1:2.0~git-3",
        sha256=sha256,
        members=("usr/share/photos/*.jpg",),
        licence="MIT",
    )


def test_only_the_listed_files_are_taken_out(apt):
    asset = resolve(reference())
    assert set(asset.files) == {"usr/share/photos/a.jpg"}
    assert asset.path("usr/share/photos/a.jpg").read_bytes() == b"photo"
    assert apt == [["/usr/bin/apt-get", "download", "--quiet", "photos=1:2.0~git-3"]]


def test_package_other_than_the_pinned_one_is_refused(apt):
    with pytest.raises(DigestMismatchError, match="expected 000"):
        resolve(reference("0" * 64))


def test_machine_without_apt_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(AssetError, match="apt-get, which this machine lacks"):
        resolve(reference())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04", "not a Debian package"),
        (CONTENT[:-20], "cut short in data.tar.xz"),
        (CONTENT[:100], "no data archive"),
        (b"!<arch>\n" + b"x" * 60, "bad member header"),
    ],
)
def test_damaged_package_is_named_as_such(tmp_path, content, said):
    path = tmp_path / "photos.deb"
    path.write_bytes(content)
    with pytest.raises(CorruptArchiveError, match=said):
        data_archive(path)
