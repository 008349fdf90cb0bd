"""One way to get files, whatever they come from."""

from __future__ import annotations

from wattmark.assets.folder import resolve_folder
from wattmark.assets.hub import resolve_hub
from wattmark.assets.package import resolve_package
from wattmark.assets.reference import Asset, AssetRef, HubRef, PackageRef


def resolve(ref: AssetRef) -> Asset:
    """The files that ``ref`` names, on this machine, each compared with its digest.

    The network is used only where they are not cached yet. Raises AssetError where they cannot
    be had, DigestMismatchError where the registry serves another file than the pinned one, and
    CorruptArchiveError where an archive cannot be read or lacks a member.
    """
    if isinstance(ref, PackageRef):
        return resolve_package(ref)
    if isinstance(ref, HubRef):
        return resolve_hub(ref)
    return resolve_folder(ref)
