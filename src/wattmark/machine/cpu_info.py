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
    ``flags`` are the instructions that it has (on ARM: its features), as the kernel calls them.

    ``vendor``, ``family``, ``model`` and ``stepping`` are an x86 processor's own identification,
    ``implementer`` and ``part`` an ARM one's; None where not shown. They are there where the name
    is masked too.
    """

    name: str
    logical_cpus: int
    cores: int = 0
    threads: int = 0
    virtual: bool = False
    architecture: str = ""
    flags: tuple[str, ...] = ()
    vendor: str = ""
    family: int | None = None
    model: int | None = None
    stepping: int | None = None
    implementer: int | None = None
    part: int | None = None

    @property
    def identification(self) -> str:
        """``GenuineIntel family 6, model 143, stepping 8``; empty where nothing is shown."""
        if self.implementer is not None and self.part is not None:
            return f"implementer {self.implementer:#x}, part {self.part:#x}"
        if self.family is None or self.model is None:
            return ""
        stepping = "" if self.stepping is None else f", stepping {self.stepping}"
        return f"{self.vendor} family {self.family}, model {self.model}{stepping}".strip()


@cache
def cpu_info(proc: Path = Path("/proc")) -> CpuInfo:
    """The processor of this machine; what cannot be read is unknown or 0, and nothing raises."""
    machine = platform.machine()
    lines = _lines(proc)
    first: dict[str, str] = {}
    count = 0
    for line in lines:
        key, separator, value = (part.strip() for part in line.partition(":"))
        if separator:
            count += key == "processor"
            first.setdefault(key, value)
    flags = first.get("flags", first.get("Features", "")).split()
    return CpuInfo(
        name=first.get("model name") or UNKNOWN,
        logical_cpus=count or os.cpu_count() or 1,
        cores=_number(first.get("cpu cores", "")),
        threads=_number(first.get("siblings", "")),
        virtual="hypervisor" in flags,
        architecture=machine,
        flags=tuple(flags),
        vendor=first.get("vendor_id", ""),
        family=_whole(first.get("cpu family")),
        model=_whole(first.get("model")),
        stepping=_whole(first.get("stepping")),
        implementer=_whole(first.get("CPU implementer")),
        part=_whole(first.get("CPU part")),
    )


def first_processor(proc: Path = Path("/proc")) -> list[str]:
    """The lines of the first processor as they stand; empty where the system shows none."""
    lines = _lines(proc)
    return lines[: lines.index("")] if "" in lines else lines


def _lines(proc: Path) -> list[str]:
    try:
        return (proc / "cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return []


def _whole(text: str | None) -> int | None:
    """A whole number, decimal or as ``0x41``; None where it is none."""
    try:
        return int(text or "", 0)
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
