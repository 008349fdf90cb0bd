from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from wattmark.errors import MeterError
from wattmark.machine.cpu_info import CpuInfo
from wattmark.meters.modelled import cpu_table
from wattmark.meters.modelled.calibration_file import (
    Calibration,
    MachineIdentity,
    write_calibration,
)
from wattmark.meters.modelled.cpu_model import choose_power_model, tdp_model
from wattmark.metrology.cpu_power import DEFAULT_MODEL
from wattmark.quantities import Grade, Quantity

NOW = datetime(2026, 5, 1, tzinfo=UTC)
EPYC = CpuInfo("AMD EPYC 7543 32-Core Processor", 128, 32, 64, False, "x86_64")
XEON = CpuInfo("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", 80, 20, 40, False, "x86_64")
GENERIC = CpuInfo("AMD EPYC", 2, 2, 2, True, "x86_64")

TABLE = """Name,TDP
AMD EPYC 7543,225.0
AMD EPYC 7543P,225.0
AMD Ryzen 7 PRO 4750U,15.0
Intel Core i7-8700,65.0
Intel Core i7-8700K,95.0
Intel Xeon E5-2680,130.0
Intel Xeon E5-2680 v4,120.0
Intel Xeon Gold 6248,150.0
Intel Xeon Gold 6248R,205.0
Intel Xeon Phi 7210,215.0
Mystery 4000,0.0
Broken 5000,27.29.5
4334,95
Twice A 9000,50
Twice B 9000,90
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "cpu_power.csv"
    file.write_text(TABLE)
    return file


def calibration(**changes) -> Calibration:
    fields = {
        "measured_at": NOW,
        "machine": MachineIdentity.of(EPYC),
        "source": "rapl",
        "grade": Grade.COUNTED,
        "domain": "cpu",
        "idle_w": Quantity.between(60, 55, 65, "W", grade=Grade.COUNTED),
        "full_w": Quantity.between(220, 210, 230, "W", grade=Grade.COUNTED),
    }
    return Calibration(**(fields | changes))


@pytest.mark.parametrize(
    "name, entry",
    [
        ("AMD EPYC 7543 32-Core Processor", "AMD EPYC 7543"),
        ("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", "Intel Core i7-8700"),
        ("8th Gen Intel(R) Core(TM) i7-8700K", "Intel Core i7-8700K"),
        ("Intel(R) Xeon(R) CPU E5-2680 0 @ 2.70GHz", "Intel Xeon E5-2680"),
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "Intel Xeon E5-2680 v4"),
        ("AMD Ryzen 7 PRO 4750U with Radeon Graphics", "AMD Ryzen 7 PRO 4750U"),
        ("AMD Ryzen 7 4750U", "AMD Ryzen 7 PRO 4750U"),
    ],
)
def test_a_processor_is_found_as_systems_name_it(table, name, entry):
    found = cpu_table.find(name, cpu_table.read_table(table))
    assert found is not None
    assert found.entry == entry


@pytest.mark.parametrize(
    "name",
    [
        "AMD EPYC",
        "AMD EPYC-Rome Processor",
        "Intel Xeon Processor (Skylake, IBRS)",
        "Intel(R) Xeon(R) CPU @ 2.20GHz",
        "QEMU Virtual CPU version 2.5+",
        "Common KVM processor",
        "Intel(R) Xeon(R) Gold 6249 CPU @ 2.50GHz",
        "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz",
        "AMD EPYC 754",
        "AMD Opteron 4334",
        "Mystery 4000",
        "Broken 5000",
        "Twice 9000",
        "",
    ],
)
def test_no_processor_is_taken_for_another(table, name):
    assert cpu_table.find(name, cpu_table.read_table(table)) is None


def test_the_real_table_is_read_without_its_package():
    file = cpu_table.table_file()
    if file is None:
        pytest.skip("codecarbon is not installed")
    entries = cpu_table.read_table(file)
    assert len(entries) > 4500
    found = cpu_table.find("AMD EPYC 7543 32-Core Processor", entries)
    assert found is not None and found.tdp_w == 225
    assert cpu_table.find("AMD EPYC", entries) is None
    assert find_spec("codecarbon") is not None


def test_every_entry_of_the_real_table_finds_itself_or_nothing():
    file = cpu_table.table_file()
    if file is None:
        pytest.skip("codecarbon is not installed")
    entries = cpu_table.read_table(file)
    wrong = []
    for name, watts in list(entries.items())[::40]:
        found = cpu_table.find(name, entries)
        if found is not None and not watts / 1.1 <= found.tdp_w <= watts * 1.1:
            wrong.append((name, watts, found))
    assert wrong == []


def test_a_file_that_is_no_table_is_refused(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("Processor,Watts\nAMD EPYC 7543,225\n")
    with pytest.raises(MeterError, match="columns Name and TDP"):
        cpu_table.read_table(file)


def test_watts_of_a_package_are_shared_by_its_cores_and_threads():
    model = tdp_model(240.0, cores=24, threads=2)
    # all threads busy: half of 10 W each; one a core: 10 W; both 40 % off
    assert model.busy_w.bounds() == pytest.approx((3.0, 10 / 2**0.5, 14.0))
    assert tdp_model(240.0, 24, 1).busy_w.bounds() == pytest.approx((6.0, 10.0, 14.0))


def test_the_calibration_of_this_machine_comes_first(tmp_path, table):
    path = tmp_path / "calibration.json"
    write_calibration(calibration(), path)
    chosen = choose_power_model(EPYC, calibration=path, table=table, now=NOW)
    assert chosen.source == "this machine's calibration of 2026-05-01 by rapl (counted, cpu)"
    assert chosen.model.busy_w.bounds()[1] == pytest.approx(220 / 128)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"machine": MachineIdentity.of(XEON)}, "of another machine: Intel"),
        ({"measured_at": NOW - timedelta(days=91)}, "91 days old, and the limit is 90"),
        ({"measured_at": NOW + timedelta(days=9)}, "of the future"),
    ],
)
def test_a_calibration_that_does_not_hold_gives_way_and_says_why(tmp_path, table, changes, said):
    path = tmp_path / "calibration.json"
    write_calibration(calibration(**changes), path)
    chosen = choose_power_model(EPYC, calibration=path, table=table, now=NOW)
    assert chosen.source.startswith("CodeCarbon's table")
    assert said in chosen.source


def test_a_broken_calibration_gives_way_too(tmp_path, table):
    path = tmp_path / "calibration.json"
    path.write_text('{"version": 9}')
    chosen = choose_power_model(EPYC, calibration=path, table=table, now=NOW)
    assert "wattmark meter calibrate" in chosen.source


def test_the_table_comes_second(tmp_path, table):
    chosen = choose_power_model(XEON, calibration=tmp_path / "none", table=table)
    assert chosen.source.endswith("Intel Xeon Gold 6248, 150 W over 20 cores by /proc/cpuinfo")
    assert chosen.model == tdp_model(150.0, 20, 2)


def test_a_virtual_machine_is_believed_only_for_what_its_name_says(tmp_path, table):
    named = CpuInfo("AMD EPYC 7543 32-Core Processor", 4, 4, 4, True)
    unnamed = CpuInfo("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", 4, 4, 4, True)
    by_name, default = (
        choose_power_model(cpu, calibration=tmp_path / "none", table=table)
        for cpu in (named, unnamed)
    )
    assert by_name.model == tdp_model(225.0, 32, 2)
    assert "32 cores by its name" in by_name.source
    assert default.model == DEFAULT_MODEL
    assert "virtual machine" in default.source and "150 W" in default.source


def test_the_default_comes_last_and_says_why(tmp_path, table):
    chosen = choose_power_model(GENERIC, calibration=tmp_path / "none", table=table)
    assert chosen.model == DEFAULT_MODEL
    assert chosen.source == (
        "the default for any machine; no processor 'AMD EPYC' in CodeCarbon's table"
    )


def test_without_codecarbon_the_cure_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(cpu_table, "find_spec", lambda name: None)
    chosen = choose_power_model(EPYC, calibration=tmp_path / "none")
    assert "install wattmark[codecarbon]" in chosen.source
