"""A folder that the user has."""

from __future__ import annotations

from wattmark.assets.digest import file_digests, file_sha256, tree_digest
from wattmark.assets.reference import Asset, FolderRef
from wattmark.errors import AssetError


def resolve_folder(ref: FolderRef) -> Asset:
    """The folder's files where they lie. Raises AssetError where it is missing or empty."""
    path = ref.path.expanduser().absolute()
    if not path.is_dir():
        raise AssetError(f"no folder {path}: give the path of a folder with the files")
    if absent := [name for name in ref.files if not (path / name).is_file()]:
        raise AssetError(f"the folder {path} has no file {absent[0]}")
    digests = {name: file_sha256(path / name) for name in ref.files} or file_digests(path)
    if not digests:
        raise AssetError(f"the folder {path} has no files")
    return Asset(path, tree_digest(digests), digests, ref.licence, ref.description)
