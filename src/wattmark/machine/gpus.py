"""Which accelerators the machine shows, without the library of their maker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Card:
    """One NVIDIA card: its domain (``gpu:N``, N as NVML counts), UUID (``GPU-...``) and name.

    ``slices`` are the UUIDs (``MIG-...``) of the parts that it is divided into, None where it is
    whole; ``processes`` the ids of those that have it open, None where nobody can list them.
    """

    domain: str
    uuid: str
    name: str
    slices: tuple[str, ...] | None = None
    processes: frozenset[int] | None = None

    @property
    def divided(self) -> bool:
        """Whether a program can only have a part of it (NVIDIA's MIG)."""
        return self.slices is not None


def has_nvidia_gpu(root: Path = Path("/")) -> bool:
    """Whether the NVIDIA driver shows a device; ``root`` is where dev and proc lie."""
    return (root / "dev/nvidiactl").exists() or (root / "proc/driver/nvidia/version").exists()
