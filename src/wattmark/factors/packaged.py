"""Data files that other packages ship, read where they lie; the packages are not imported.

CodeCarbon (MIT) and EcoLogits (MPL-2.0) keep tables of grids, clouds and models in good order.
They come with the extra ``impact``; without it, what is theirs is missing and says so.
"""

from __future__ import annotations

import csv
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wattmark.errors import MissingPackageError
from wattmark.machine.installed import version_of

CODECARBON = "codecarbon"
ECOLOGITS = "ecologits"
LICENCES = {CODECARBON: "MIT", ECOLOGITS: "MPL-2.0"}


def installed(package: str) -> bool:
    """Whether the package can be found."""
    return _folder(package) is not None


def title(package: str) -> str:
    """Name and version, as a source is called."""
    return f"{package} {version_of(package)}"


@cache
def read_json(package: str, path: str) -> Any:
    """The document at ``path`` within the package.

    Raises MissingPackageError where the package is not installed or no longer ships the file.
    """
    return json.loads(_file(package, path).read_text(encoding="utf-8"))


@cache
def read_csv(package: str, path: str) -> tuple[dict[str, str], ...]:
    """The rows of the table at ``path`` within the package; raises as ``read_json`` does."""
    with _file(package, path).open(encoding="utf-8-sig", newline="") as file:
        return tuple(csv.DictReader(file))


def _folder(package: str) -> Path | None:
    spec = find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _file(package: str, path: str) -> Path:
    folder = _folder(package)
    if folder is None:
        raise MissingPackageError(
            f"{package} is not installed, and its tables are needed: pip install 'wattmark[impact]'"
        )
    file = folder / path
    if not file.is_file():
        raise MissingPackageError(
            f"{title(package)} has no file {path}: install another version of it"
        )
    return file
