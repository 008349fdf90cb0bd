from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wattmark.errors import MeterError
from wattmark.machine.cgroup import find_cpu_account
from wattmark.metering import selection
from wattmark.meters.modelled.modelled_cgroup import ModelledCgroup
from wattmark.metrology.cpu_power import PowerModel
from wattmark.quantities import Quantity, Reason

TEN_WATTS = PowerModel(
    busy_w=Quantity.between(10.0, 5.0, 20.0, "W"),
    idle_share=Quantity.between(0.2, 0.1, 0.5, "1"),
)


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Path]:
    """A builder of fake machines: lines of /proc/self/cgroup, and CPU accounts by path."""

    def build(*groups: str, mounts: dict[str, str], accounts: dict[str, str]) -> Path:
        proc = tmp_path / "proc"
        (proc / "self").mkdir(parents=True)
        (proc / "self" / "cgroup").write_text("".join(f"{g}\n" for g in groups))
        lines = [f"x {tmp_path}/fs/{m} {kind} 0 0\n" for m, kind in mounts.items()]
        (proc / "mounts").write_text("proc /proc proc rw 0 0\n" + "".join(lines))
        for path, text in accounts.items():
            file = tmp_path / "fs" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return proc

    return build


V2_STAT = "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n"


def test_version_2_is_read_in_microseconds(machine):
    proc = machine(
        "0::/app.slice/job",
        mounts={"unified": "cgroup2 rw,nosuid"},
        accounts={"unified/app.slice/job/cpu.stat": V2_STAT},
    )
    account = find_cpu_account(proc)
    assert account.cpu_s() == 1.5
    assert account.describe() == "control group version 2, group /app.slice/job"


def test_version_1_is_read_in_nanoseconds(machine):
    proc = machine(
        "5:memory:/other",
        "4:cpu,cpuacct:/docker/abc",
        mounts={"memory": "cgroup rw,memory", "cpu,cpuacct": "cgroup rw,cpu,cpuacct"},
        accounts={"cpu,cpuacct/docker/abc/cpuacct.usage": "2500000000\n"},
    )
    account = find_cpu_account(proc)
    assert (account.cpu_s(), account.version) == (2.5, 1)


def test_a_container_that_is_named_as_on_the_host_is_the_root_of_its_mount(machine):
    proc = machine(
        "4:cpuacct:/kubepods/pod1/abc",
        mounts={"cpuacct": "cgroup ro,cpuacct"},
        accounts={"cpuacct/cpuacct.usage": "1000000000"},
    )
    account = find_cpu_account(proc)
    assert account.cpu_s() == 1.0
    assert "the root group" in account.describe()


def test_of_both_versions_the_narrower_group_is_taken(machine):
    proc = machine(
        "2:cpuacct:/",
        "0::/user.slice/run",
        mounts={"cpuacct": "cgroup rw,cpuacct", "unified": "cgroup2 rw"},
        accounts={
            "cpuacct/cpuacct.usage": "9000000000",
            "unified/user.slice/run/cpu.stat": V2_STAT,
        },
    )
    assert find_cpu_account(proc).cpu_s() == 1.5


@pytest.mark.parametrize("groups", [(), ("3:memory:/a",), ("0::/gone",)])
def test_a_machine_without_an_account_says_so(machine, groups):
    proc = machine(*groups, mounts={"u": "cgroup2 rw", "m": "cgroup rw,memory"}, accounts={})
    availability = ModelledCgroup(TEN_WATTS, proc).probe()
    assert availability.reason is Reason.NO_METER
    assert "modelled-cpu" in availability.detail
    with pytest.raises(MeterError, match="no control group"):
        ModelledCgroup(TEN_WATTS, proc).open(cores=1)


def test_a_window_of_the_container(machine, tmp_path):
    proc = machine(
        "0::/job", mounts={"u": "cgroup2 rw"}, accounts={"u/job/cpu.stat": "usage_usec 1000000\n"}
    )
    meter = ModelledCgroup(TEN_WATTS, proc)
    info = meter.open(cores=2)
    before = meter.read()
    (tmp_path / "fs/u/job/cpu.stat").write_text("usage_usec 4000000\n")
    (window,) = meter.energy(before, meter.read())
    meter.close()
    # 3 s of CPU time at 8 W above idle
    assert window.idle_subtracted.bounds() == pytest.approx((7.5, 24.0, 54.0))
    assert "group /job" in info.detail and info.by_name_only
    with pytest.raises(MeterError, match="not open"):
        meter.read()


def test_a_group_that_was_removed_is_an_error_and_not_zero(machine, tmp_path):
    proc = machine("0::/job", mounts={"u": "cgroup2 rw"}, accounts={"u/job/cpu.stat": V2_STAT})
    meter = ModelledCgroup(TEN_WATTS, proc)
    meter.open(cores=1)
    (tmp_path / "fs/u/job/cpu.stat").unlink()
    with pytest.raises(MeterError, match="may have been removed"):
        meter.read()


def test_what_sees_more_than_the_work_is_taken_only_where_it_is_named():
    by_itself = {meter.name for meter in selection.choose()}
    assert not by_itself & {"modelled-cgroup", "modelled-dram"}
    assert [meter.name for meter in selection.choose(["modelled-dram"])] == ["modelled-dram"]
