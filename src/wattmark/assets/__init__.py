"""Files from package registries, the hub or a folder: fetched once, checked, cached.

Where a model's or a task's bytes come from, and where this user's data and caches lie. An asset has
a digest; what is in it is the affair of who asked for it.
"""

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
