"""Which generation of server processors this is, read even where a virtual machine masks its name.

An x86 processor says vendor, family, model and stepping (CPUID; ``/proc/cpuinfo``), an ARM one its
implementer and part. A hypervisor may mask the name ("AMD EPYC") and leave these; some show the
identification of an older model. Instructions that the shown model does not have betray that: then
it is the first generation that has them, or a later one.

Sources: ``arch/x86/include/asm/intel-family.h``, ``arch/x86/kernel/cpu/amd.c`` and
``arch/arm64/include/asm/cputype.h`` of Linux; for the steppings of model 85, Intel's specification
updates of the 1st to 3rd generation Xeon Scalable processors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wattmark.machine.cpu_info import CpuInfo


@dataclass(frozen=True)
class Generation:
    """A generation: ``key`` for tables, ``name`` for people, and what told it."""

    key: str
    name: str
    told_by: str

    def __str__(self) -> str:
        return f"{self.name}, by {self.told_by}"


NAMES = {
    "zen1": "AMD Zen 1 (EPYC 7xx1)",
    "zen2": "AMD Zen 2 (EPYC 7xx2)",
    "zen3": "AMD Zen 3 (EPYC 7xx3)",
    "zen4": "AMD Zen 4 (EPYC 9xx4)",
    "zen4c": "AMD Zen 4c (EPYC 97x4, 8xx4)",
    "zen5": "AMD Zen 5 (EPYC 9xx5)",
    "zen5c": "AMD Zen 5c (EPYC 9xx5, dense)",
    "sandy-bridge": "Intel Sandy Bridge (Xeon E5, E3)",
    "ivy-bridge": "Intel Ivy Bridge (Xeon E5 v2, E3 v2)",
    "haswell": "Intel Haswell (Xeon E5 v3)",
    "broadwell": "Intel Broadwell (Xeon E5 v4)",
    "xeon-e3": "Intel Xeon E3 v3 to v6",
    "coffee-lake": "Intel Coffee Lake (Xeon E-2100, E-2200)",
    "rocket-lake": "Intel Rocket Lake (Xeon E-2300)",
    "skylake": "Intel Skylake-SP (Xeon Scalable, 1st generation)",
    "cascade-lake": "Intel Cascade Lake (Xeon Scalable, 2nd generation)",
    "cooper-lake": "Intel Cooper Lake (Xeon Scalable, 3rd generation, 4 and 8 sockets)",
    "ice-lake": "Intel Ice Lake-SP (Xeon Scalable, 3rd generation)",
    "sapphire-rapids": "Intel Sapphire Rapids (Xeon Scalable, 4th generation)",
    "emerald-rapids": "Intel Emerald Rapids (Xeon Scalable, 5th generation)",
    "granite-rapids": "Intel Granite Rapids (Xeon 6, P-cores)",
    "sierra-forest": "Intel Sierra Forest (Xeon 6, E-cores)",
    "neoverse-n1": "Arm Neoverse N1 (Graviton2, Altra)",
    "neoverse-v1": "Arm Neoverse V1 (Graviton3)",
    "neoverse-n2": "Arm Neoverse N2",
    "neoverse-v2": "Arm Neoverse V2 (Graviton4, Grace)",
    "ampereone": "AmpereOne",
}

_AMD = "AuthenticAMD"
_HYGON = "HygonGenuine"
_INTEL = "GenuineIntel"

#: (family, first model, last model) -> generation. Models of desktops between them are left out.
_AMD_MODELS = {
    (23, 0, 15): "zen1",
    (23, 48, 63): "zen2",
    (25, 0, 15): "zen3",
    (25, 16, 31): "zen4",
    (25, 160, 175): "zen4c",
    (26, 0, 15): "zen5",
    (26, 16, 31): "zen5c",
}

_INTEL_MODELS = {
    42: "sandy-bridge",
    45: "sandy-bridge",
    58: "ivy-bridge",
    62: "ivy-bridge",
    60: "xeon-e3",
    63: "haswell",
    79: "broadwell",
    94: "xeon-e3",
    106: "ice-lake",
    108: "ice-lake",
    134: "ice-lake",  # as QEMU numbers it
    143: "sapphire-rapids",
    167: "rocket-lake",
    173: "granite-rapids",
    174: "granite-rapids",
    175: "sierra-forest",
    207: "emerald-rapids",
}

_ARM_PARTS = {
    (0x41, 0xD0C): "neoverse-n1",
    (0x41, 0xD40): "neoverse-v1",
    (0x41, 0xD49): "neoverse-n2",
    (0x41, 0xD4F): "neoverse-v2",
    (0x6D, 0xD49): "neoverse-n2",  # Microsoft Cobalt 100
    (0xC0, 0xAC3): "ampereone",
    (0xC0, 0xAC4): "ampereone",
}

#: (vendor, instruction, generations that have it, the first of them), newest instruction first.
_INSTRUCTIONS = (
    (
        _INTEL,
        "amx_tile",
        {"sapphire-rapids", "emerald-rapids", "granite-rapids"},
        "sapphire-rapids",
    ),
    (
        _INTEL,
        "avx512_vnni",
        {
            *("cascade-lake", "cooper-lake", "ice-lake", "rocket-lake"),
            *("sapphire-rapids", "emerald-rapids", "granite-rapids"),
        },
        "cascade-lake",
    ),
    (_AMD, "avx512f", {"zen4", "zen4c", "zen5", "zen5c"}, "zen4"),
)

#: Brands of desktops and laptops. Some share a model number with servers, none their power.
_NO_SERVER = re.compile(
    r"\bintel(?:\(r\))? core\b|\b(?:ryzen|threadripper|athlon|pentium|celeron|atom)\b",
    re.IGNORECASE,
)

#: QEMU's model CPUs of these generations are named and numbered after desktop parts.
_QEMU = re.compile(r"^Intel Core Processor \((Haswell|Broadwell)")


def generation(cpu: CpuInfo) -> Generation | None:
    """The generation of a server's processor; None rather than a guess, and for other machines."""
    if cpu.virtual and (named := _QEMU.match(cpu.name)):
        key = named[1].lower()
        return Generation(key, NAMES[key], cpu.name)
    if _NO_SERVER.search(cpu.name):
        return None
    if cpu.implementer is not None and cpu.part is not None:
        found = _ARM_PARTS.get((cpu.implementer, cpu.part))
    else:
        found = _x86(cpu)
    if found is None:
        return None
    for vendor, instruction, having, first in _INSTRUCTIONS:
        if cpu.vendor == vendor and instruction in cpu.flags and found not in having:
            told_by = f"its {instruction} instructions, which {cpu.identification} does not have"
            return Generation(first, f"{NAMES[first]} or later", told_by)
    return Generation(found, NAMES[found], cpu.identification)


def _x86(cpu: CpuInfo) -> str | None:
    if cpu.family is None or cpu.model is None:
        return None
    if cpu.vendor == _HYGON and cpu.family == 24:  # Zen 1 under licence
        return "zen1"
    if cpu.vendor == _AMD:
        for (family, first, last), key in _AMD_MODELS.items():
            if cpu.family == family and first <= cpu.model <= last:
                return key
        return None
    if cpu.vendor != _INTEL or cpu.family != 6:
        return None
    if cpu.model == 85:
        return _of_model_85(cpu.stepping)
    if cpu.model == 158:  # Kaby Lake up to stepping 9
        return "xeon-e3" if cpu.stepping is not None and cpu.stepping <= 9 else "coffee-lake"
    return _INTEL_MODELS.get(cpu.model)


def _of_model_85(stepping: int | None) -> str:
    """Skylake, Cascade Lake and Cooper Lake are one model; unknown steppings are the first."""
    if stepping is None or stepping < 5:
        return "skylake"
    return "cascade-lake" if stepping < 10 else "cooper-lake"
