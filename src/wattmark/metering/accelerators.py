"""Work on an accelerator goes on after the call that started it has returned."""

from __future__ import annotations

import sys
from typing import Any


def synchronise() -> None:
    """Wait for the CUDA devices that PyTorch uses, if it is loaded and has used any.

    Raises what PyTorch raises where work on a device has failed (a RuntimeError).
    """
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not getattr(cuda, "is_initialized", bool)():
        return
    for device in range(cuda.device_count()):
        # where nothing was reserved nothing ran, and synchronising would make a context there
        if cuda.memory_reserved(device):
            cuda.synchronize(device)
