"""Converted models, cached by content.

An artefact's key covers the model's digest, the setup, the versions of the framework's packages
and the calibration data, so a changed input gives a new artefact and never a stale one. Folders
count as there only once their marker is written.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wattmark import registry
from wattmark.contracts import Framework, devices_of
from wattmark.errors import MissingPackageError, UnsupportedSetupError
from wattmark.machine.installed import version_of
from wattmark.records import Setup, content_digest

#: Bump when a converter changes what it writes.
ARTEFACT_VERSION = 2
MARKER = "complete.json"


def package_versions(framework: Framework) -> dict[str, str]:
    """Versions of the framework's packages. Raises MissingPackageError naming the extra."""
    versions = {}
    for package in framework.packages:
        if (version := version_of(package)) is None:
            raise MissingPackageError(
                f"{framework.name} needs the package {package!r}: "
                f"pip install 'wattmark[{framework.extra}]'"
            )
        versions[package] = version
    return versions


def require_supported(framework: Framework, setup: Setup) -> None:
    """Raise UnsupportedSetupError where the framework lacks the mode, precision or device."""
    if setup.mode not in framework.modes:
        raise UnsupportedSetupError(
            f"{framework.name} has no mode {setup.mode!r}; it has {', '.join(framework.modes)}"
        )
    precisions = framework.modes[setup.mode]
    if setup.precision not in precisions:
        raise UnsupportedSetupError(
            f"{framework.name}/{setup.mode} cannot do {setup.precision}; "
            f"it can do {', '.join(precisions)}"
        )
    if setup.device not in (devices := devices_of(framework)):
        raise UnsupportedSetupError(
            f"{framework.name} has no device {setup.device!r}; it has {', '.join(devices)}"
        )


def artefact_key(framework: Framework, setup: Setup, model_digest: str, calibration: str) -> str:
    """Folder name of an artefact: readable front, sha256 over all that it depends on.

    A setup's options (output length, sampler) and its wait for company say how the networks are
    used, not what they are.
    """
    digest = content_digest(
        {
            "version": ARTEFACT_VERSION,
            "model": model_digest,
            "setup": setup.model_dump(mode="json", exclude={"options", "max_wait_ms"}),
            "packages": package_versions(framework),
            "calibration": calibration if not setup.precision.exact_weights else "",
        }
    )
    front = f"{setup.framework}-{setup.mode}-{setup.precision.value}"
    return f"{front}-{digest[:16]}"


def shared_key(model_digest: str) -> str:
    """Folder name of what several frameworks share of a model: its exports by PyTorch."""
    versions = package_versions(registry.framework("pytorch"))
    return f"shared-{content_digest({'model': model_digest, **versions})[:16]}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock beside ``folder`` (released by the system if we die)."""
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        yield


def is_complete(folder: Path) -> bool:
    """Whether a build of ``folder`` ran to its end."""
    return (folder / MARKER).exists()


def build_once(folder: Path, build: Callable[[Path], None]) -> bool:
    """Run ``build`` on the empty ``folder`` unless an earlier build was completed.

    Returns whether it was there already. Built in place, since compilers' caches remember where
    they lie; a marker is written last. Two processes that ask at once: one builds, one waits.
    """
    if is_complete(folder):
        return True
    with locked(folder):
        if is_complete(folder):
            return True
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        start = time.monotonic()
        build(folder)
        (folder / MARKER).write_text(json.dumps({"seconds": time.monotonic() - start}))
    return False


def build_seconds(folder: Path) -> float:
    """How long the completed build took."""
    return float(json.loads((folder / MARKER).read_text())["seconds"])


def size_bytes(folder: Path) -> int:
    """Total size of the files under ``folder``."""
    return sum(
        (Path(root) / name).stat().st_size for root, _, files in os.walk(folder) for name in files
    )
