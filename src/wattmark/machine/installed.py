"""Which distributions are installed, by their metadata: nothing is imported."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def version_of(distribution: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """The versions of those that are installed, by name in alphabetical order."""
    found = ((name, version_of(name)) for name in sorted(distributions))
    return {name: version for name, version in found if version is not None}


def is_installed(distribution: str) -> bool:
    """Whether a distribution of that name is installed."""
    return version_of(distribution) is not None
