"""The cache folder, and how a folder gets into it: whole or not at all.

A cached folder holds ``files/`` and ``asset.json``, which lists their digests. It is built as
``NAME.partial`` under a lock and renamed when complete, so a reader never sees half of it, and
of two processes that want it at once the second waits for the first. What a killed process
left behind is cleared by the next. Every file is compared with its digest at every use.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wattmark.assets.digest import file_digests, tree_digest
from wattmark.assets.reference import Asset, HubRef, PackageRef
from wattmark.errors import AssetError
from wattmark.records import Record

_log = logging.getLogger(__name__)
_MANIFEST = "asset.json"


class _Manifest(Record):
    digest: str
    files: dict[str, str]


def cache_folder() -> Path:
    """Folder of everything that Wattmark can fetch or build again.

    ``WATTMARK_CACHE`` if it is set, else the user's cache folder. It need not exist.
    """
    if chosen := os.environ.get("WATTMARK_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("wattmark")


def cached(ref: PackageRef | HubRef, identity: str, fetch: Callable[[Path], str | None]) -> Asset:
    """The asset from the cache; else ``fetch`` fills an empty folder with its files first.

    ``identity`` tells this asset from others of the same ``cache_name``. ``fetch`` returns the
    asset's digest, or None for the digest of all its files. Raises AssetError where the cache
    folder cannot be written, and whatever ``fetch`` raises.
    """
    folder = cache_folder() / "assets" / f"{ref.cache_name}-{identity[:8]}"
    try:
        asset = _read(folder, ref)
        if asset is not None:
            return asset
        with _locked(folder):
            asset = _read(folder, ref)
            if asset is None:
                _log.info("fetching %s (%s)", ref.label, ref.licence)
                _build(folder, fetch)
                asset = _read(folder, ref)
    except OSError as error:
        raise AssetError(
            f"{ref.label} could not be stored in {folder.parent}: {error}; "
            f"free some space, or set WATTMARK_CACHE to a folder that you can write to"
        ) from error
    if asset is None:
        raise AssetError(f"{ref.label} changed on disk while it was stored: {folder}")
    return asset


def _read(folder: Path, ref: PackageRef | HubRef) -> Asset | None:
    """The asset in ``folder``; None where there is none, or where it was changed on disk."""
    try:
        manifest = _Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        manifest = _Manifest(digest="", files={})
    files = folder / "files"
    if not manifest.files or manifest.files != file_digests(files):
        _log.warning("%s was changed on disk and is fetched again: %s", ref.label, folder)
        return None
    return Asset(files, manifest.digest, manifest.files, ref.licence, ref.description)


def _build(folder: Path, fetch: Callable[[Path], str | None]) -> None:
    partial = folder.with_name(folder.name + ".partial")
    for leftover in (partial, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    files = partial / "files"
    files.mkdir(parents=True)
    try:
        digest = fetch(files)
        digests = file_digests(files)
        manifest = _Manifest(digest=digest or tree_digest(digests), files=digests)
        (partial / _MANIFEST).write_text(manifest.model_dump_json(indent=1))
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it is released by the system if this process dies."""
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")):
        yield
