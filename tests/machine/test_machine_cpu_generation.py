"""The generation of a server's processor, from what a masked virtual machine still shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.machine.cpu_generation import NAMES, generation
from wattmark.machine.cpu_info import CpuInfo, cpu_info

AMD, INTEL = "AuthenticAMD", "GenuineIntel"


def x86(vendor: str, family: int, model: int, stepping: int = 1, **changes) -> CpuInfo:
    masked = {"name": "AMD EPYC" if vendor == AMD else "Intel(R) Xeon(R) Processor"}
    fields = {"logical_cpus": 2, "virtual": True, **masked, **changes}
    return CpuInfo(vendor=vendor, family=family, model=model, stepping=stepping, **fields)


def key(cpu: CpuInfo) -> str | None:
    found = generation(cpu)
    return found.key if found else None


def test_a_masked_name_leaves_the_identification(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n"
        "model name\t: AMD EPYC\nstepping\t: 1\nflags\t: fpu avx512f hypervisor\n\n"
    )
    found = cpu_info(tmp_path)
    assert found.identification == "AuthenticAMD family 25, model 17, stepping 1"
    assert str(generation(found)) == f"AMD Zen 4 (EPYC 9xx4), by {found.identification}"


def test_an_arm_processor_says_who_made_which_part(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n"
    )
    assert key(cpu_info(tmp_path)) == "neoverse-n1"
    assert cpu_info(tmp_path).identification == "implementer 0x41, part 0xd0c"


@pytest.mark.parametrize(
    ("vendor", "family", "model", "stepping", "expected"),
    [
        (AMD, 23, 1, 2, "zen1"),
        (AMD, 23, 49, 0, "zen2"),
        (AMD, 25, 1, 1, "zen3"),
        (AMD, 25, 17, 1, "zen4"),
        (AMD, 25, 160, 2, "zen4c"),
        (AMD, 26, 2, 1, "zen5"),
        (AMD, 26, 17, 0, "zen5c"),
        (INTEL, 6, 45, 7, "sandy-bridge"),
        (INTEL, 6, 63, 2, "haswell"),
        (INTEL, 6, 79, 1, "broadwell"),
        (INTEL, 6, 85, 4, "skylake"),
        (INTEL, 6, 85, 7, "cascade-lake"),
        (INTEL, 6, 85, 11, "cooper-lake"),
        (INTEL, 6, 106, 6, "ice-lake"),
        (INTEL, 6, 134, 0, "ice-lake"),
        (INTEL, 6, 143, 8, "sapphire-rapids"),
        (INTEL, 6, 207, 2, "emerald-rapids"),
        (INTEL, 6, 173, 1, "granite-rapids"),
        (INTEL, 6, 175, 3, "sierra-forest"),
        (INTEL, 6, 158, 9, "xeon-e3"),
        (INTEL, 6, 158, 10, "coffee-lake"),
        ("HygonGenuine", 24, 1, 1, "zen1"),
        (AMD, 23, 113, 0, None),  # a desktop's Zen 2
        (INTEL, 6, 151, 2, None),
        (INTEL, 15, 85, 4, None),
        ("SomeoneElse", 6, 85, 4, None),
    ],
)
def test_generations_of_servers(vendor, family, model, stepping, expected) -> None:
    assert key(x86(vendor, family, model, stepping)) == expected
    assert expected is None or expected in NAMES


@pytest.mark.parametrize(
    ("name", "family", "model"),
    [
        ("Intel(R) Core(TM) i9-7900X CPU @ 3.30GHz", 6, 85),
        ("11th Gen Intel(R) Core(TM) i7-11700 @ 2.50GHz", 6, 167),
    ],
)
def test_a_desktop_shares_its_model_number_and_is_no_server(name, family, model) -> None:
    assert generation(x86(INTEL, family, model, name=name, virtual=False)) is None
    assert generation(x86(AMD, 23, 1, name="AMD Ryzen 7 1700 Eight-Core Processor")) is None
    server = x86(AMD, 25, 1, name="AMD EPYC 7543 32-Core Processor", virtual=False)
    assert key(server) == "zen3"  # "Core" is no brand here


def test_qemu_names_servers_after_desktops() -> None:
    name = "Intel Core Processor (Haswell, no TSX, IBRS)"
    assert key(x86(INTEL, 6, 60, 1, name=name)) == "haswell"
    assert key(x86(INTEL, 6, 61, 2, name="Intel Core Processor (Broadwell, IBRS)")) == "broadwell"


def test_instructions_betray_a_model_that_is_shown_too_old() -> None:
    shown = x86(INTEL, 6, 167, 8, flags=("avx512_vnni", "amx_tile", "hypervisor"))
    found = generation(shown)
    assert found is not None and found.key == "sapphire-rapids"
    assert found.name.endswith(" or later")
    assert "amx_tile" in found.told_by and "model 167" in found.told_by
    assert key(x86(INTEL, 6, 207, 2, flags=("amx_tile",))) == "emerald-rapids"
    assert key(x86(INTEL, 6, 85, 4, flags=("avx512_vnni",))) == "cascade-lake"
    assert key(x86(AMD, 23, 49, 0, flags=("avx512f",))) == "zen4"


def test_nothing_shown_is_no_generation() -> None:
    bare = CpuInfo("AMD EPYC", 2)
    assert bare.identification == "" and generation(bare) is None
