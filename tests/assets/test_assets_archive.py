from __future__ import annotations

import contextlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.assets.archive import extract
from wattmark.errors import CorruptArchiveError


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_members_that_match_are_written_below_the_target(make, tmp_path):
    archive = make(tmp_path / "archive", {"a/b/c.txt": b"c", "a/d.bin": b"d", "e.txt": b"e"})
    extract(archive, ["a/*.txt", "e.txt"], tmp_path / "out")
    out = tmp_path / "out"
    written = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*.*")}
    assert written == {"a/b/c.txt": b"c", "e.txt": b"e"}


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "a\\..\\evil", "C:/evil"])
def test_path_that_leaves_the_folder_is_refused(make, name, tmp_path):
    archive = make(tmp_path / "archive", {name: b"x"})
    with pytest.raises(CorruptArchiveError, match="outside"):
        extract(archive, ["*"], tmp_path / "out" / "deep")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [archive]


@settings(derandomize=True, deadline=None)
@given(name=st.lists(st.sampled_from(["..", ".", "a", "", "\\", "c:"]), max_size=5).map("/".join))
def test_whatever_its_name_a_member_stays_inside(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extract")
    archive = make_zip(folder / "archive", {name + "/x": b"x"})
    target = folder / "out" / "deep"
    with contextlib.suppress(CorruptArchiveError):
        extract(archive, ["*"], target)
    written = [p for p in folder.rglob("*") if p.is_file() and p != archive]
    assert all(p.is_relative_to(target) for p in written)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_link_or_device_in_a_tar_is_refused(kind, tmp_path):
    path = tmp_path / "archive"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc/hostname"
        archive.addfile(member)
    with pytest.raises(CorruptArchiveError, match="link is not a plain file"):
        extract(path, ["*"], tmp_path / "out")


def test_symbolic_link_in_a_zip_is_refused(tmp_path):
    path = tmp_path / "archive"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("link")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/hostname")
    with pytest.raises(CorruptArchiveError, match="link is not a plain file"):
        extract(path, ["*"], tmp_path / "out")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_pattern_without_a_match_is_named(make, tmp_path):
    archive = make(tmp_path / "archive", {"a.txt": b"a"})
    with pytest.raises(CorruptArchiveError, match=r"archive has no member 'b\.txt'"):
        extract(archive, ["a.txt", "b.txt"], tmp_path / "out")


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_truncated_archive_is_reported(make, keep, tmp_path):
    archive = make(tmp_path / "archive", {"a.txt": bytes(range(256)) * 40})
    content = archive.read_bytes()
    archive.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(CorruptArchiveError, match="cannot be read"):
        extract(archive, ["a.txt"], tmp_path / "out")


def test_flipped_byte_in_a_zip_is_reported(tmp_path):
    archive = make_zip(tmp_path / "archive", {"a.txt": b"weights" * 100})
    content = archive.read_bytes().replace(b"weights", b"planted", 1)
    archive.write_bytes(content)
    with pytest.raises(CorruptArchiveError, match="CRC"):
        extract(archive, ["a.txt"], tmp_path / "out")
