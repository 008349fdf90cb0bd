"""Repositories of the Hugging Face hub, at one commit."""

from __future__ import annotations

import shutil
from pathlib import Path

from wattmark.assets.cache import cached
from wattmark.assets.reference import Asset, HubRef
from wattmark.errors import AssetError
from wattmark.records import content_digest


def resolve_hub(ref: HubRef) -> Asset:
    """The repository's files, from the cache or the hub. Raises AssetError.

    Uses the user's own ``huggingface_hub`` settings (endpoint, token, offline mode).
    """

    def fetch(files: Path) -> None:
        try:
            from huggingface_hub import snapshot_download
        except ImportError as error:
            raise AssetError(
                f"{ref.label} is fetched with huggingface_hub, which is not installed: "
                f"install wattmark[hub]"
            ) from error
        try:
            snapshot_download(
                ref.repo,
                repo_type=ref.repo_type,
                revision=ref.revision,
                allow_patterns=list(ref.patterns) or None,
                local_dir=files,
            )
        except Exception as error:  # the client raises errors of several network libraries
            raise AssetError(
                f"{ref.label} could not be downloaded: {error}. Check the network, the name and, "
                f"for a gated repository, your token; once fetched, it works offline"
            ) from error
        shutil.rmtree(files / ".cache", ignore_errors=True)
        if not any(p.is_file() for p in files.rglob("*")):
            raise AssetError(f"{ref.label} has no file that matches {', '.join(ref.patterns)}")

    return cached(ref, content_digest(sorted(ref.patterns)), fetch)
