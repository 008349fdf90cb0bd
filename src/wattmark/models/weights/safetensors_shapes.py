"""What a safetensors file says of its tensors, without reading them."""

from __future__ import annotations

from pathlib import Path

from wattmark.errors import CorruptArchiveError, MissingPackageError


def weight_shapes(file: Path, label: str) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor by its name.

    Raises CorruptArchiveError for what is no such file, also for one cut short, and
    MissingPackageError.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingPackageError(f"{label} needs safetensors: install wattmark[torch]") from error
    try:
        with safe_open(file, framework="numpy") as tensors:
            names = tensors.keys()
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise CorruptArchiveError(
            f"{label} is no whole safetensors file ({error}): fetch it again"
        ) from error
