from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from wattmark.errors import InputError
from wattmark.machine.environment import collect, differences, require_comparable
from wattmark.records import COMPARABLE_FIELDS, Environment


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A bare-metal server."""
    write(
        tmp_path,
        "proc/cpuinfo",
        "processor\t: 0\nmodel name\t: AMD EPYC 7543\nflags\t\t: sse2 avx2 fpu\n\n"
        "processor\t: 1\nmodel name\t: other\nflags\t\t: nothing\n",
    )
    write(tmp_path, "proc/meminfo", "MemTotal:       1024 kB\nMemFree: 1 kB\n")
    write(tmp_path, "proc/1/cgroup", "0::/init.scope\n")
    write(tmp_path, "etc/os-release", 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12"\n')
    for cpu in (0, 1):
        write(tmp_path, f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor", "powersave\n")
    return tmp_path


def test_a_bare_machine_is_read_from_its_files(machine):
    found = collect([1, 0], ["pydantic", "no-such-distribution"], root=machine, variables={})
    assert found.cpu_model == "AMD EPYC 7543"
    assert found.cpu_flags == ("avx2", "fpu", "sse2")
    assert found.cpus_allowed == (0, 1)
    assert found.memory_bytes == 1024 * 1024
    assert found.os == "Debian GNU/Linux 12"
    assert (found.virtualization, found.container) == ("none", "none")
    assert found.governor == "powersave"
    assert found.turbo is None
    assert set(found.packages) == {"pydantic"}


def test_only_variables_that_matter_are_kept_and_never_a_secret(machine):
    variables = {
        "OMP_NUM_THREADS": "2",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
        "TF_VAR_database": "terraform's",
        "MKL_LICENSE_KEY": "hidden",
        "HOME": "/home/somebody",
    }
    found = collect([0], root=machine, variables=variables)
    assert set(found.variables) == {"OMP_NUM_THREADS", "XLA_FLAGS"}


@pytest.mark.parametrize(
    "file, text, turbo",
    [
        ("intel_pstate/no_turbo", "0\n", True),
        ("intel_pstate/no_turbo", "1\n", False),
        ("cpufreq/boost", "1\n", True),
    ],
)
def test_turbo_is_read_from_either_driver(machine, file, text, turbo):
    write(machine, f"sys/devices/system/cpu/{file}", text)
    assert collect([0], root=machine).turbo is turbo


def test_governors_that_differ_between_the_pinned_cores_are_all_named(machine):
    governor = "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor"
    write(machine, governor, "performance\n")
    assert collect([0], root=machine).governor == "powersave"
    assert collect([0, 1], root=machine).governor == "performance,powersave"


def test_a_virtual_machine_is_named_by_its_firmware(machine):
    write(machine, "proc/cpuinfo", "model name : x\nflags : fpu hypervisor\n")
    assert collect([0], root=machine).virtualization == "unknown hypervisor"
    write(machine, "sys/class/dmi/id/sys_vendor", "QEMU\n")
    write(machine, "sys/class/dmi/id/product_name", "Standard PC\n")
    assert collect([0], root=machine).virtualization == "QEMU Standard PC"


@pytest.mark.parametrize(
    "path, text, container",
    [
        (".dockerenv", "", "docker"),
        ("run/.containerenv", "", "podman"),
        ("proc/1/cgroup", "0::/kubepods/besteffort/pod1/docker-1\n", "kubernetes"),
    ],
)
def test_containers_are_told_apart(machine, path, text, container):
    write(machine, path, text)
    assert collect([0], root=machine).container == container


def test_a_system_without_these_files_gives_none_and_not_a_guess(tmp_path):
    found = collect([0], root=tmp_path)
    unknown = (found.governor, found.turbo, found.virtualization, found.container)
    assert unknown == (None, None, None, None)
    assert found.os.startswith(platform.system())
    assert found.memory_bytes > 0


def test_this_machine_can_be_described():
    found = collect(os.sched_getaffinity(0), ["numpy"])
    assert found.cpu_count >= 1 and found.memory_bytes > 0 and found.packages["numpy"]
    assert Environment.model_validate_json(found.model_dump_json()) == found


def test_collecting_imports_no_framework():
    code = (
        "import sys; from wattmark.machine.environment import collect;"
        "collect([0], ['torch', 'jax', 'tensorflow', 'onnxruntime', 'openvino']);"
        "print({'torch', 'jax', 'tensorflow', 'onnxruntime', 'openvino'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_environments_that_agree_where_it_matters_may_be_compared(machine):
    a = collect([0], root=machine)
    b = a.model_copy(update={"hostname": "other", "load_average_1min": 9.0, "kernel": "7.0"})
    assert differences(a, b) == {}
    require_comparable(a, b)


@pytest.mark.parametrize("field", COMPARABLE_FIELDS)
def test_every_field_that_matters_is_compared(machine, field):
    a = collect([0], root=machine)
    b = a.model_copy(update={field: "changed"})
    assert list(differences(a, b)) == [field]


def test_a_refused_comparison_names_the_difference_and_the_cure(machine):
    a = collect([0], root=machine)
    b = a.model_copy(update={"cpu_flags": ("amx", "fpu", "sse2"), "governor": "performance"})
    with pytest.raises(InputError) as refused:
        require_comparable(a, b)
    message = str(refused.value)
    assert "cpu_flags: only the first has avx2; only the second has amx" in message
    assert "governor: 'powersave' and 'performance'" in message
    assert "same machine" in message
