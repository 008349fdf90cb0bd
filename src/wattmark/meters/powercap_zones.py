"""The zones of Linux's powercap tree: which counters there are, and what each of them counts.

A zone is what its file ``name`` says, wherever its folder lies and whatever that is called:
``package-N`` (a socket), ``package-N-die-M`` (a part of one), ``dram`` (the memory of the package
that it lies in), ``core`` and ``uncore`` (parts of a package), ``psys`` (the platform with its
packages; what that takes in differs from board to board). The control type ``intel-rapl-mmio``
shows the packages of ``intel-rapl`` once more, by another register. So of zones that are the same
by name and package one is counted, the register of the processor before that of the memory bus.

What is wrong with a zone is told of that zone alone, with the file and the cure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from wattmark.quantities import Reason

#: Assumed where a zone states no power limit: that of the largest servers' processors
#: (AMD EPYC 9965, Intel Xeon 6980P: 500 W each).
DEFAULT_MAX_POWER_W = 500.0

#: A limit above this is none: firmware writes the largest value that fits for "not limited".
MOST_STATED_W = 2000.0

#: A counter whose range is not stated may wrap after this: the least that 32 bits hold, in the
#: smallest unit that processors count in (15.26 uJ).
LEAST_SPAN_UJ = 65_532_610_987

PERMISSION_CURE = (
    "as root, `chmod a+r {root}/intel-rapl:*/energy_uj` until the next boot, or for good a udev "
    'rule: ACTION=="add", SUBSYSTEM=="powercap", KERNEL=="intel-rapl:*", '
    'RUN+="/bin/chgrp power /sys%p/energy_uj", RUN+="/bin/chmod g+r /sys%p/energy_uj" '
    "with yourself in the group `power`"
)
RANGE_CURE = (
    "is taken to rise without a wrap: a window in which it falls, or that is long enough for a "
    "wrap to hide in it, has no figure; loading the driver anew (`modprobe -r intel_rapl_msr; "
    "modprobe intel_rapl_msr`) may bring the file back"
)

_PACKAGE = re.compile(r"(package-?\d*)(-die-\d+)?")
_WHOLE = "package"
_PARTS = frozenset({"core", "uncore"})
#: Folders within folders, as in /sys/devices/virtual/powercap.
_DEPTH = 4


@dataclass(frozen=True)
class Zone:
    """One counter: ``key`` such as ``cpu:0``, its folder, where it wraps, its highest power.

    ``span_uj`` is None where the zone does not state its range. ``package`` is the socket that it
    is of: dies of one package may all show the counter of the whole.
    """

    key: str
    folder: Path
    span_uj: int | None
    max_power_w: float
    package: str = ""

    @property
    def domain(self) -> str:
        """``cpu`` or ``dram``."""
        return self.key.partition(":")[0]

    @property
    def counter(self) -> Path:
        """The file that holds the cumulative microjoules."""
        return self.folder / "energy_uj"

    @property
    def range_file(self) -> Path:
        """The file that says where the counter wraps."""
        return self.folder / "max_energy_range_uj"


@dataclass(frozen=True)
class Problem:
    """What is wrong with a zone. ``domain`` has no whole without it; empty: it is not counted."""

    reason: Reason
    detail: str
    domain: str = ""


@dataclass(frozen=True)
class Found:
    """The zones that can be counted, what is wrong with others, and what is worth knowing."""

    zones: tuple[Zone, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def lacking(self, domain: str) -> Problem | None:
        """Why a domain's sum would not be the whole, if so."""
        return next((problem for problem in self.problems if problem.domain == domain), None)

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains of which there is a counter."""
        return tuple(dict.fromkeys(zone.domain for zone in self.zones))


def survey_zones(root: Path) -> Found:
    """The package and dram zones below ``root``, each once; raises nothing."""
    problems: list[Problem] = []
    notes: list[str] = []
    same: dict[tuple[str, str], list[Path]] = {}
    for folder in _folders(root):
        name = _name(folder)
        if isinstance(name, Problem):
            problems.append(name)
        elif (package := _PACKAGE.fullmatch(name)) is not None:
            same.setdefault((package[1], package[2] or _WHOLE), []).append(folder)
        elif name == "dram":
            same.setdefault((_package_around(folder, root), "dram"), []).append(folder)
        elif name == "psys":
            notes.append(f"{folder.name} (psys) is left out: what it takes in differs by board")
        elif name not in _PARTS:
            notes.append(f"{folder} is called {name[:40]!r}, which is not known, and left out")
    zones: list[Zone] = []
    for (package_name, kind), folders in same.items():
        if kind.startswith("-die") and (package_name, _WHOLE) in same:
            continue  # the package holds its dies
        domain = "dram" if kind == "dram" else "cpu"
        key = f"{domain}:{sum(zone.domain == domain for zone in zones)}"
        refused = [_unreadable(folder, domain, root) for folder in folders]
        readable = [f for f, problem in zip(folders, refused, strict=True) if problem is None]
        if readable:
            zone = Zone(key, readable[0], _span_uj(readable[0]), _max_power_w(readable[0]))
            socket = _PACKAGE.match(package_name)
            zones.append(replace(zone, package=socket[1] if socket else package_name))
        else:
            problems += [problem for problem in refused if problem is not None]
    notes += [
        f"{z.range_file} states no range: {z.counter.name} {RANGE_CURE}"
        for z in zones
        if z.span_uj is None
    ]
    return Found(tuple(zones), tuple(problems), tuple(notes))


def _folders(root: Path) -> list[Path]:
    """Folders of zones below a root, in the order of their numbers, each once."""
    found: dict[Path, Path] = {}
    for folder in sorted(_below(root, _DEPTH), key=_order):
        found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        inside = list(folder.iterdir())
    except OSError:
        return
    for path in inside:
        try:
            if not path.is_dir():
                continue
        except OSError:
            continue
        if ":" in path.name or (path / "energy_uj").exists():
            yield path
        # the kernel's links `device` and `subsystem` lead back to where we came from
        if depth > 1 and not path.is_symlink():
            yield from _below(path, depth - 1)


def _order(folder: Path) -> tuple[bool, list[int], str]:
    numbers = [int(digits) for digits in re.findall(r"\d+", folder.name)]
    return ("mmio" in folder.name, numbers, str(folder))


def _name(folder: Path) -> str | Problem:
    file = folder / "name"
    try:
        if name := file.read_text().strip():
            return name
        said = "is empty"
    except FileNotFoundError:
        said = "is not there"
    except (OSError, ValueError) as error:
        said = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    detail = (
        f"{file} {said}, so that nobody can tell what the zone counts, and it is left out: "
        "is the tree a copy that is not whole (a container's mount)?"
    )
    return Problem(Reason.READ_FAILED, detail)


def _package_around(folder: Path, root: Path) -> str:
    """Name of the package that a dram zone is of; its own folder's where it is in none."""
    outer = folder.resolve().parent
    beside = root / folder.name.rpartition(":")[0]
    for candidate in (outer, beside):
        if candidate == root or not (candidate / "name").exists():
            continue
        name = _name(candidate)
        if isinstance(name, str):
            return name
    return folder.name.replace("-mmio", "")


def _unreadable(folder: Path, domain: str, root: Path) -> Problem | None:
    """Why the counter of a zone cannot be read, if so."""
    file = folder / "energy_uj"
    try:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            text = os.pread(descriptor, 32, 0)
        finally:
            os.close(descriptor)
        if int(text) >= 0:
            return None
        said = f"shows {text.decode().strip()}"
    except PermissionError:
        cure = PERMISSION_CURE.format(root=root)
        return Problem(Reason.PERMISSION, f"{file} may not be read; {cure}", domain)
    except FileNotFoundError:
        said = "is not there"
    except ValueError:
        said = f"holds {text[:20]!r}, which is no number"
    except OSError as error:
        said = f"cannot be read ({error.strerror})"
    return Problem(
        Reason.READ_FAILED, f"{file} {said}: the driver does not serve this zone", domain
    )


def _span_uj(folder: Path) -> int | None:
    """Where the counter wraps; None where its file does not say."""
    try:
        highest_uj = int((folder / "max_energy_range_uj").read_text())
    except (OSError, ValueError):
        return None
    # the file states the highest value; the step from there to 0 is one hardware unit,
    # 15 or 61 uJ, taken here as the least that the file can show
    return highest_uj + 1 if highest_uj > 0 else None


def _max_power_w(folder: Path) -> float:
    """The largest limit that the zone states (long and short term), else a conservative value."""
    limits_w = [
        _microwatts(file) / 1e6
        for pattern in ("constraint_*_max_power_uw", "constraint_*_power_limit_uw")
        for file in folder.glob(pattern)
    ]
    return max((w for w in limits_w if w <= MOST_STATED_W), default=0.0) or DEFAULT_MAX_POWER_W


def _microwatts(file: Path) -> int:
    """A stated limit; 0 where the zone has the file but the hardware has no such limit."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
