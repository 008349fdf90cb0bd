"""The folder of what cannot be fetched or made again: results, calibrations."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """``WATTMARK_DATA`` if it is set, else the user's data folder. It need not exist."""
    if chosen := os.environ.get("WATTMARK_DATA"):
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("wattmark")
