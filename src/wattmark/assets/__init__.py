"""Files from package registries, the hub or a folder: fetched once, checked, cached."""

from wattmark.assets.cache import cache_folder
from wattmark.assets.data_folder import data_folder
from wattmark.assets.hub_revision import hub_asset
from wattmark.assets.reference import Asset, AssetRef, FolderRef, HubRef, PackageRef
from wattmark.assets.resolver import resolve
from wattmark.assets.whole_file import write_whole

__all__ = [
    "Asset",
    "AssetRef",
    "FolderRef",
    "HubRef",
    "PackageRef",
    "cache_folder",
    "data_folder",
    "hub_asset",
    "resolve",
    "write_whole",
]
