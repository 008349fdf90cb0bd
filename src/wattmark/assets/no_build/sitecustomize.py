"""A build backend that builds nothing: imported by Python itself where this folder is on its path.

pip's hook process (``pyproject_hooks``) reads the name of a source distribution's backend from
its environment. That name is replaced by this module's before the hook runs.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

for prefix in ("_PYPROJECT_HOOKS_", "PEP517_"):
    # a backend path would let the archive offer a module of the same name
    os.environ.pop(f"{prefix}BACKEND_PATH", None)
    if f"{prefix}BUILD_BACKEND" in os.environ:
        os.environ[f"{prefix}BUILD_BACKEND"] = "sitecustomize"


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: object = None
) -> str:
    """PEP 517: the archive's own metadata, as it was published."""
    target = Path(metadata_directory) / f"{os.environ['WATTMARK_NO_BUILD']}.dist-info"
    target.mkdir()
    shutil.copyfile("PKG-INFO", target / "METADATA")
    return target.name
