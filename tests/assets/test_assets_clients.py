"""pip and npm themselves: what they are asked to do, and what is said when they fail."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from wattmark.assets import PackageRef, resolve
from wattmark.errors import AssetError

FILES = {"tiny/weights.bin": b"weights"}


@pytest.mark.slow
@pytest.mark.usefixtures("real_pip")
def test_two_processes_at_once_get_a_wheel_from_an_index(make_wheel, cache):
    ref = make_wheel(FILES, ("tiny/weights.bin",))
    code = (
        "from wattmark.assets import PackageRef, resolve\n"
        f"ref = PackageRef.model_validate_json({ref.model_dump_json()!r})\n"
        "print(resolve(ref).path('tiny/weights.bin').read_text())"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [p.communicate()[0] for p in processes] == ["weights\n"] * 2
    assert not list(cache.rglob("*.partial"))


@pytest.mark.slow
@pytest.mark.usefixtures("real_pip")
def test_source_distribution_is_refused_and_pip_is_quoted(index):
    ref = PackageRef(
        name="tiny-source", version="1.0", sha256="0" * 64, members=("*",), licence="MIT"
    )
    (index / "tiny_source-1.0.tar.gz").write_bytes(b"")
    with pytest.raises(AssetError, match=r"No matching distribution found for tiny-source==1\.0"):
        resolve(ref)


@pytest.mark.slow
@pytest.mark.usefixtures("real_pip")
def test_working_folder_cannot_stand_in_for_pip(make_wheel, tmp_path, monkeypatch):
    (tmp_path / "pip.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    assert resolve(make_wheel(FILES, ("tiny/weights.bin",))).files


def fake_npm(folder: Path, script: str) -> None:
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)


NPM_REF = PackageRef(
    registry="npm",
    name="@scope/tiny",
    version="1.2.3",
    sha256="0" * 64,
    members=("package/data.json",),
    licence="MIT",
)


def test_missing_npm_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetError, match="npm, which is not installed"):
        resolve(NPM_REF)


def test_npm_package_is_packed_without_running_its_scripts(monkeypatch, tmp_path):
    data = tmp_path / "data.json"
    data.write_text("[1]")
    with tarfile.open(tmp_path / "tiny.tgz", "w:gz") as archive:
        archive.add(data, "package/data.json")
    said = tmp_path / "arguments"
    script = (
        f'echo "$@" > {said}\nwhile [ "$1" != --pack-destination ]; do shift; done\n'
        f'cp {tmp_path}/tiny.tgz "$2"/scope-tiny-1.2.3.tgz'
    )
    fake_npm(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    sha256 = hashlib.sha256((tmp_path / "tiny.tgz").read_bytes()).hexdigest()
    asset = resolve(NPM_REF.model_copy(update={"sha256": sha256}))
    assert asset.path("package/data.json").read_text() == "[1]"
    assert "--ignore-scripts" in said.read_text() and "@scope/tiny@1.2.3" in said.read_text()


def test_failing_npm_is_quoted(monkeypatch, tmp_path):
    fake_npm(tmp_path / "bin", "echo npm error 404 >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(AssetError, match="npm error 404"):
        resolve(NPM_REF)
