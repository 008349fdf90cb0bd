"""How much memory there is and how much is free, from ``/proc/meminfo``."""

from __future__ import annotations

import os
from pathlib import Path


def meminfo_bytes(proc: Path = Path("/proc")) -> dict[str, int]:
    """What the kernel says of memory (``MemTotal``, ``MemAvailable`` ...), in bytes.

    Empty where it says nothing; what is not a size is left out.
    """
    try:
        text = (proc / "meminfo").read_text(errors="replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.splitlines())
    sizes = ((name.strip(), size.split()) for name, _, size in lines)
    return {
        name: int(size[0]) * 1024
        for name, size in sizes
        if len(size) == 2 and size[0].isdecimal() and size[1] == "kB"
    }


def installed_bytes(proc: Path = Path("/proc")) -> int:
    """All memory of the machine (in a virtual one: of the guest)."""
    return meminfo_bytes(proc).get("MemTotal") or _pages_bytes("SC_PHYS_PAGES")


def available_bytes(proc: Path = Path("/proc")) -> int:
    """What could be allocated without swapping."""
    return meminfo_bytes(proc).get("MemAvailable") or _pages_bytes("SC_AVPHYS_PAGES")


def _pages_bytes(name: str) -> int:
    return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
