from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from wattmark.assets import AssetRef, FolderRef, HubRef, PackageRef, cache_folder, resolve
from wattmark.errors import AssetError

HUB_REF = HubRef(repo="org/model", revision="a" * 40, patterns=("*.json",), licence="MIT")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch):
    """Stand-in for the hub: what it holds, and the calls that it got."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    calls = []

    def snapshot_download(repo_id, *, repo_type, revision, allow_patterns, local_dir):
        calls.append((repo_type, repo_id, revision, allow_patterns))
        (Path(local_dir) / ".cache" / "huggingface").mkdir(parents=True)
        (Path(local_dir) / ".cache" / "huggingface" / "x.lock").touch()
        if repo_id == "org/missing":
            raise OSError("404 Client Error")
        if repo_id != "org/empty":
            (Path(local_dir) / "config.json").write_text("{}")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return calls


def test_hub_repository_is_fetched_once_at_its_commit(hub):
    first, second = resolve(HUB_REF), resolve(HUB_REF)
    assert hub == [("model", "org/model", "a" * 40, ["*.json"])]
    assert set(first.files) == {"config.json"}
    assert first == second and len(first.digest) == 64


def test_hub_error_says_what_to_do(hub):
    with pytest.raises(AssetError, match=r"org/missing.*404 Client Error.*token"):
        resolve(HUB_REF.model_copy(update={"repo": "org/missing"}))


def test_hub_repository_without_a_matching_file_is_an_error(hub, cache):
    with pytest.raises(AssetError, match=r"no file that matches \*\.json"):
        resolve(HUB_REF.model_copy(update={"repo": "org/empty"}))
    assert not list(cache.rglob("asset.json"))


def test_hub_revision_must_be_a_commit_since_a_branch_moves():
    with pytest.raises(ValidationError):
        HubRef(repo="org/model", revision="main", licence="MIT")


def test_folder_is_read_in_place_and_its_digest_follows_its_content(tmp_path, cache):
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights.bin").write_bytes(b"1")
    ref = FolderRef(path=folder)
    asset = resolve(ref)
    assert asset.path("deep/weights.bin") == folder / "deep" / "weights.bin"
    assert asset.digest == resolve(ref).digest
    (folder / "deep" / "weights.bin").write_bytes(b"2")
    changed = resolve(ref).digest
    (folder / "deep" / "weights.bin").rename(folder / "weights.bin")
    assert len({asset.digest, changed, resolve(ref).digest}) == 3
    assert not cache.exists()


def test_missing_or_empty_folder_is_an_error(tmp_path):
    with pytest.raises(AssetError, match="no folder"):
        resolve(FolderRef(path=tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(AssetError, match="has no files"):
        resolve(FolderRef(path=tmp_path / "empty"))


def test_unknown_file_of_an_asset_is_an_error_that_lists_them(tmp_path):
    (tmp_path / "weights.bin").touch()
    with pytest.raises(AssetError, match=r"no file 'x'; it has: .*weights\.bin"):
        resolve(FolderRef(path=tmp_path)).path("x")


def test_reference_is_read_by_its_kind():
    read = TypeAdapter(AssetRef).validate_python
    assert isinstance(read({"kind": "folder", "path": "model"}), FolderRef)
    assert isinstance(read(HUB_REF.model_dump()), HubRef)


@pytest.mark.parametrize("name", ["--index-url=x", "a b", "../a", "a==1"])
def test_package_name_cannot_smuggle_options_to_the_client(name):
    with pytest.raises(ValidationError):
        PackageRef(name=name, version="1", sha256="0" * 64, members=("*",), licence="MIT")


def test_cache_folder_is_the_users_unless_told_otherwise(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("WATTMARK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "wattmark"
