"""What ``/proc/cpuinfo`` says of the processor, and how far that can be trusted."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

UNKNOWN = "unknown"


@dataclass(frozen=True)
class CpuInfo:
    """A processor as the system shows it.

    ``cores`` and ``threads`` are cores and logical CPUs of one package, 0 where not shown. In a
    virtual machine (``virtual``) these are what the guest was given, not what the package has.
    """

    name: str
    logical_cpus: int
    cores: int = 0
    threads: int = 0
    virtual: bool = False
    architecture: str = ""


@cache
def cpu_info(cpuinfo: Path = Path("/proc/cpuinfo")) -> CpuInfo:
    """The processor of this machine; what cannot be read is unknown or 0, and nothing raises."""
    machine = platform.machine()
    try:
        text = cpuinfo.read_text(errors="replace")
    except OSError:
        return CpuInfo(UNKNOWN, os.cpu_count() or 1, architecture=machine)
    first: dict[str, str] = {}
    count = 0
    for line in text.splitlines():
        key, separator, value = (part.strip() for part in line.partition(":"))
        if separator:
            count += key == "processor"
            first.setdefault(key, value)
    return CpuInfo(
        name=first.get("model name") or UNKNOWN,
        logical_cpus=count or os.cpu_count() or 1,
        cores=_number(first.get("cpu cores", "")),
        threads=_number(first.get("siblings", "")),
        virtual="hypervisor" in first.get("flags", "").split(),
        architecture=machine,
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
