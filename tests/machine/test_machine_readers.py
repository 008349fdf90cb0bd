"""What the kernel says of processors and memory, read from files of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.errors import MeterError
from wattmark.machine.boot import boot_id
from wattmark.machine.cpu_info import cpu_info, first_processor
from wattmark.machine.cpu_ticks import CpuTicks, MachineTime, cpu_ticks, machine_time
from wattmark.machine.gpus import has_nvidia_gpu
from wattmark.machine.installed import is_installed, version_of, versions_of
from wattmark.machine.memory import available_bytes, installed_bytes, meminfo_bytes


def test_cpuinfo_of_a_virtual_machine(tmp_path: Path) -> None:
    one = (
        "processor\t: {}\nmodel name\t: AMD EPYC\nsiblings\t: 2\ncpu cores\t: 2\n"
        "flags\t: fpu hypervisor\n\n"
    )
    (tmp_path / "cpuinfo").write_text(one.format(0) + one.format(1))
    found = cpu_info(tmp_path)
    assert (found.name, found.logical_cpus, found.cores, found.threads) == ("AMD EPYC", 2, 2, 2)
    assert found.virtual and found.flags == ("fpu", "hypervisor")
    assert first_processor(tmp_path) == one.format(0).splitlines()[:-1]


def test_cpuinfo_that_says_little_or_is_not_there(tmp_path: Path) -> None:
    text = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n"
    (tmp_path / "cpuinfo").write_text(text)
    found, none = cpu_info(tmp_path), cpu_info(tmp_path / "none")
    assert found.name == none.name == "unknown"
    assert (found.logical_cpus, found.flags, none.flags) == (1, ("fp", "asimd"), ())
    assert first_processor(tmp_path / "none") == []


def test_busy_time_of_the_machine_leaves_out_waiting_and_steal(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  10 1 5 80 20 2 2 1000 0 0\ncpu0 1 1 1 1 1 1 1 3 0 0\nintr 1\n")
    assert machine_time(tmp_path) == MachineTime(20, 120)
    assert cpu_ticks(str(tmp_path))["cpu0"] == CpuTicks(busy=5, idle=2, steal=3)
    stat.write_text("nothing\n")
    with pytest.raises(MeterError, match="how busy"):
        machine_time(tmp_path)


def test_a_kernel_that_shows_no_steal_gives_none(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  1 1 1 1 1 1 1\n")
    assert cpu_ticks(str(tmp_path)) == {"cpu": CpuTicks(busy=5, idle=2, steal=None)}
    assert cpu_ticks(str(tmp_path / "none")) == {}


def test_memory_is_what_meminfo_says_and_else_what_the_system_counts(tmp_path: Path) -> None:
    text = "MemTotal:  64 kB\nMemAvailable:  16 kB\nHugePages_Total: 3\nMemFree: many kB\n"
    (tmp_path / "meminfo").write_text(text)
    assert meminfo_bytes(tmp_path) == {"MemTotal": 65536, "MemAvailable": 16384}
    assert (installed_bytes(tmp_path), available_bytes(tmp_path)) == (65536, 16384)
    assert meminfo_bytes(tmp_path / "none") == {}
    assert installed_bytes(tmp_path / "none") >= available_bytes(tmp_path / "none") > 0


def test_a_boot_has_an_id_where_the_kernel_gives_one(tmp_path: Path) -> None:
    file = tmp_path / "sys/kernel/random/boot_id"
    assert boot_id(tmp_path) == ""
    file.parent.mkdir(parents=True)
    file.write_text("first-boot\n")
    assert boot_id(tmp_path) == "first-boot"


def test_a_gpu_is_seen_by_its_device_or_its_driver(tmp_path: Path) -> None:
    assert not has_nvidia_gpu(tmp_path)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidiactl").touch()
    assert has_nvidia_gpu(tmp_path)


def test_only_what_is_installed_has_a_version() -> None:
    assert list(versions_of(["pydantic", "no-such-thing", "numpy"])) == ["numpy", "pydantic"]
    assert version_of("no-such-thing") is None
    assert is_installed("numpy") and not is_installed("no-such-thing")
