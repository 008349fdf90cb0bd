"""Work on an accelerator goes on after the call that started it has returned."""

from __future__ import annotations

import sys
from typing import Any


def torch_devices() -> list[tuple[int, str]]:
    """Ordinal and UUID of the CUDA devices that PyTorch uses here; the UUID may be empty."""
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    return [
        (device, str(getattr(cuda.get_device_properties(device), "uuid", "")))
        for device in _used_by_torch()
    ]


def synchronise() -> None:
    """Wait for the CUDA devices that PyTorch uses, if it is loaded and has used any.

    Raises what PyTorch raises where work on a device has failed (a RuntimeError).
    """
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    for device in _used_by_torch():
        cuda.synchronize(device)


def _used_by_torch() -> list[int]:
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not getattr(cuda, "is_initialized", bool)():
        return []
    # where nothing was reserved nothing ran, and asking for more would make a context there
    return [device for device in range(cuda.device_count()) if cuda.memory_reserved(device)]
