"""Which accelerators the machine shows, without the library of their maker."""

from __future__ import annotations

from pathlib import Path


def has_nvidia_gpu(root: Path = Path("/")) -> bool:
    """Whether the NVIDIA driver shows a device; ``root`` is where dev and proc lie."""
    return (root / "dev/nvidiactl").exists() or (root / "proc/driver/nvidia/version").exists()
