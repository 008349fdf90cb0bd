"""The control group that this process is in: where its CPU time is kept, and who made it.

* Version 1: ``cpuacct.usage`` (nanoseconds) in the hierarchy of the controller ``cpuacct``.
* Version 2: ``usage_usec`` of ``cpu.stat``, kept for every group.

Which group: ``/proc/self/cgroup``; where its hierarchy is mounted: ``/proc/mounts``. A container
often sees its own group as the root of the mount while the name is that of the host; then the
root of the mount is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wattmark.errors import MeterError

V1_FILE = "cpuacct.usage"
V2_FILE = "cpu.stat"

#: What /proc/1/cgroup shows of a container manager, and its name.
MANAGER_MARKS = {
    "kubepods": "kubernetes",
    "docker": "docker",
    "libpod": "podman",
    "containerd": "containerd",
    "lxc": "lxc",
}


def container_manager(root: Path = Path("/")) -> str | None:
    """What keeps the container that this process is in; ``none`` outside one, None if unknown.

    ``root`` is where proc and run lie.
    """
    try:
        groups = (root / "proc/1/cgroup").read_text(errors="replace")
    except OSError:
        groups = ""
    for mark, manager in MANAGER_MARKS.items():
        if mark in groups:
            return manager
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    return "none" if groups else None


@dataclass(frozen=True)
class CpuAccount:
    """The file with a group's cumulative CPU time; ``group`` is its name within ``version``."""

    file: Path
    version: int
    group: str

    def cpu_s(self) -> float:
        """CPU seconds of all processes that were ever in the group.

        Raises MeterError where it cannot be read.
        """
        try:
            text = self.file.read_text()
            if self.version == 1:
                return int(text) / 1e9
            fields = dict(line.split() for line in text.splitlines())
            return int(fields["usage_usec"]) / 1e6
        except (OSError, ValueError, KeyError) as error:
            raise MeterError(
                f"{self.file} gives no CPU time ({error!r}): the group may have been removed"
            ) from error

    def describe(self) -> str:
        """Whose time it is, in words."""
        whose = (
            "the root group: all that runs in this container, or outside one on this machine"
            if self.group == "/"
            else f"group {self.group}"
        )
        return f"control group version {self.version}, {whose}"


def find_cpu_account(proc: Path = Path("/proc")) -> CpuAccount:
    """The account of this process's group, the narrower one where both versions have it.

    ``proc`` is the folder with ``self/cgroup`` and ``mounts``. Raises MeterError where there is
    none.
    """
    try:
        groups = (proc / "self" / "cgroup").read_text().splitlines()
        mounts = (proc / "mounts").read_text().splitlines()
    except OSError as error:
        raise MeterError(f"control groups cannot be looked up: {error}") from error
    found: list[CpuAccount] = []
    for line in groups:
        _, controllers, group = line.split(":", 2)
        version = 1 if "cpuacct" in controllers.split(",") else 2 if not controllers else 0
        for mount in (_mount_point(m, version) for m in mounts):
            if version and mount is not None:
                found += _accounts(mount, group, version)
    if not found:
        raise MeterError(
            f"no control group of this process keeps CPU time: neither {V1_FILE} of version 1 nor "
            f"{V2_FILE} of version 2 is mounted (`modelled-cpu` counts the process tree instead)"
        )
    return max(found, key=lambda account: account.group.rstrip("/").count("/"))


def _mount_point(line: str, version: int) -> Path | None:
    """Where a line of mounts puts the hierarchy that keeps CPU time; None for any other line."""
    _, target, kind, options, *_ = line.split()
    keeps = (
        kind == "cgroup2" if version == 2 else kind == "cgroup" and "cpuacct" in options.split(",")
    )
    return Path(target.replace("\\040", " ")) if keeps else None


def _accounts(mount: Path, group: str, version: int) -> list[CpuAccount]:
    name = V1_FILE if version == 1 else V2_FILE
    for folder, seen_as in ((mount / group.lstrip("/"), group), (mount, "/")):
        if (folder / name).is_file() and _keeps_time(folder / name, version):
            return [CpuAccount(folder / name, version, seen_as)]
    return []


def _keeps_time(file: Path, version: int) -> bool:
    return version == 1 or "usage_usec" in file.read_text()
