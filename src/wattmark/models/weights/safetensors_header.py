"""What a safetensors file says of its tensors, without reading them.

The format: 8 bytes with the length of the header, little-endian; the header, in JSON; the data
(https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wattmark.errors import CorruptArchiveError


def weight_shapes(file: Path, label: str) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor by its name. Raises CorruptArchiveError, also for a file cut short."""
    try:
        header, complete = _header(file)
        shapes = {name: tuple(entry["shape"]) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise CorruptArchiveError(
            f"{label} is no whole safetensors file ({error}): fetch it again"
        ) from error
    if not complete:
        raise CorruptArchiveError(f"{label} is no whole safetensors file: fetch it again")
    return shapes


def _header(file: Path) -> tuple[dict[str, Any], bool]:
    """The entry of each tensor, and whether the file is as long as they say.

    Raises ValueError, KeyError, TypeError, AttributeError for what is no such file.
    """
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        # what a cut file says of its length is not a reason to read more than there is
        header = json.loads(stream.read(min(length, file.stat().st_size)))
    header.pop("__metadata__", None)
    end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    return header, file.stat().st_size == 8 + length + end
