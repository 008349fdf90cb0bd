"""The machine and its software: record them, and tell whether two records may be compared.

No framework is imported: versions come from the metadata of what is installed.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from wattmark.errors import InputError
from wattmark.machine.cgroup import container_manager
from wattmark.machine.cpu_info import UNKNOWN, cpu_info
from wattmark.machine.installed import version_of, versions_of
from wattmark.machine.memory import installed_bytes
from wattmark.records import COMPARABLE_FIELDS, Environment

#: Environment variables that change how fast a framework computes, by name or by prefix.
VARIABLES = frozenset(
    {
        "ATEN_CPU_CAPABILITY",
        "CUDA_VISIBLE_DEVICES",
        "JAX_ENABLE_X64",
        "JAX_PLATFORMS",
        "LD_PRELOAD",
        "TF_CPP_MIN_LOG_LEVEL",
        "TF_DETERMINISTIC_OPS",
        "TF_ENABLE_ONEDNN_OPTS",
        "TF_NUM_INTEROP_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_XLA_FLAGS",
        "XLA_FLAGS",
    }
)
VARIABLE_PREFIXES = ("DNNL_", "GOMP_", "KMP_", "MALLOC_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_")

#: A name with one of these in it is never recorded.
SECRET_WORDS = ("AUTH", "CREDENTIAL", "KEY", "PASS", "SECRET", "TOKEN")


def collect(
    cpus_allowed: Collection[int],
    packages: Collection[str] = (),
    *,
    gpus: Collection[str] = (),
    root: Path = Path("/"),
    variables: Mapping[str, str] | None = None,
) -> Environment:
    """The environment of this machine, as seen by a process pinned to ``cpus_allowed``.

    ``packages`` are distributions whose versions are recorded where they are installed,
    ``gpus`` the product names of the machine's GPUs.
    ``root`` is where proc, sys and etc lie; ``variables`` defaults to those of this process.
    What cannot be read is None; ``virtualization`` and ``container`` are ``none`` where it is
    known that there is none.
    """
    cpu = cpu_info(root / "proc")
    flags = tuple(sorted(set(cpu.flags)))
    return Environment(
        hostname=platform.node(),
        os=_os_name(root),
        kernel=platform.release(),
        architecture=platform.machine(),
        cpu_model=cpu.name if cpu.name != UNKNOWN else platform.processor() or UNKNOWN,
        cpu_flags=flags,
        cpu_count=os.cpu_count() or len(cpus_allowed),
        cpus_allowed=tuple(sorted(cpus_allowed)),
        memory_bytes=installed_bytes(root / "proc"),
        governor=_governor(root, cpus_allowed),
        turbo=_turbo(root),
        virtualization=_virtualization(root, flags),
        container=container_manager(root),
        python=platform.python_version(),
        wattmark=version_of("wattmark") or "not installed",
        packages=versions_of(packages),
        variables=_selected(os.environ if variables is None else variables),
        load_average_1min=_load_average(),
        gpus=tuple(gpus),
    )


def differences(a: Environment, b: Environment) -> dict[str, tuple[Any, Any]]:
    """The fields of COMPARABLE_FIELDS in which two environments differ: name to (a's, b's)."""
    pairs = {name: (getattr(a, name), getattr(b, name)) for name in COMPARABLE_FIELDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def require_comparable(a: Environment, b: Environment) -> None:
    """Raise InputError, naming every difference, unless results of a and b may be compared."""
    if not (found := differences(a, b)):
        return
    lines = [f"  {name}: {_contrast(*pair)}" for name, pair in found.items()]
    raise InputError(
        "results of these two environments may not be compared, for they differ in\n"
        + "\n".join(lines)
        + "\nrun both on the same machine with the same settings"
    )


def _contrast(a: Any, b: Any) -> str:
    if isinstance(a, tuple) and isinstance(b, tuple) and set(a) != set(b):
        only_a = ", ".join(str(x) for x in a if x not in b) or "nothing"
        only_b = ", ".join(str(x) for x in b if x not in a) or "nothing"
        return f"only the first has {only_a}; only the second has {only_b}"
    return f"{a!r} and {b!r}"


def _text(file: Path) -> str | None:
    """The stripped text of a small file, None where it cannot be read."""
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return None


def _fields(text: str | None, separator: str) -> dict[str, str]:
    pairs = (line.partition(separator) for line in (text or "").splitlines())
    return {key.strip(): value.strip() for key, found, value in pairs if found}


def _os_name(root: Path) -> str:
    name = _fields(_text(root / "etc/os-release"), "=").get("PRETTY_NAME", "").strip("\"'")
    return name or f"{platform.system()} {platform.release()}"


def _governor(root: Path, cpus: Collection[int]) -> str | None:
    """Frequency governor of the pinned cores; several are joined by a comma."""
    folder = root / "sys/devices/system/cpu"
    found = {_text(folder / f"cpu{cpu}/cpufreq/scaling_governor") for cpu in cpus}
    return ",".join(sorted(g for g in found if g)) or None


def _turbo(root: Path) -> bool | None:
    folder = root / "sys/devices/system/cpu"
    if (no_turbo := _text(folder / "intel_pstate/no_turbo")) is not None:
        return no_turbo == "0"
    boost = _text(folder / "cpufreq/boost")
    return None if boost is None else boost == "1"


def _virtualization(root: Path, flags: Collection[str]) -> str | None:
    if hypervisor := _text(root / "sys/hypervisor/type"):
        return hypervisor
    if "hypervisor" not in flags:
        # only x86 has the flag, so its absence says nothing elsewhere
        return "none" if "fpu" in flags else None
    product = (_text(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name"))
    return " ".join(text for text in product if text) or "unknown hypervisor"


def _selected(variables: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in sorted(variables.items())
        if (name in VARIABLES or name.startswith(VARIABLE_PREFIXES))
        and not any(word in name for word in SECRET_WORDS)
    }


def _load_average() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
