"""The modelled node: from which figures, how wide, and what it is called where nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wattmark.contracts import Scope
from wattmark.errors import MeterError
from wattmark.machine.cpu_generation import NAMES
from wattmark.machine.cpu_info import CpuInfo
from wattmark.meters.modelled import modelled_node, server_table
from wattmark.meters.modelled.calibration_file import (
    Calibration,
    MachineIdentity,
    write_calibration,
)
from wattmark.meters.modelled.cpu_model import choose_power_model
from wattmark.meters.modelled.modelled_node import ModelledNode
from wattmark.meters.modelled.node_model import choose_node_model
from wattmark.metrology.cpu_power import modelled_energy
from wattmark.metrology.server_power import package_model, server_model
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import MeterReading

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MILAN = CpuInfo("AMD EPYC", 2, virtual=True, vendor="AuthenticAMD", family=25, model=1, stepping=1)
GENOA = replace(MILAN, model=17)
GRAVITON = CpuInfo("unknown", 4, virtual=True, implementer=0x41, part=0xD40)
DESKTOP = CpuInfo("Some CPU 1000", 8, vendor="GenuineIntel", family=6, model=151)
TABLE = server_table.table()


def full_load_width(cpu: CpuInfo, tmp_path: Path) -> float:
    low, _, high = choose_node_model(cpu, calibration=tmp_path / "none").model.busy_w.bounds()
    return high / low


@pytest.mark.parametrize("generation", sorted(TABLE.generations))
def test_servers_of_the_table_lie_within_a_factor_of_three(generation: str) -> None:
    found, model = TABLE.generations[generation], TABLE.model(generation)
    low, value, high = model.busy_w.bounds()
    assert high / low <= 3
    if found.servers >= 10:  # else 5 and 95 % of its servers are the least and the most
        assert low <= found.low_w <= value <= found.high_w <= high
    assert high / value > value / low  # lopsided upwards: real machines are not as lean


@pytest.mark.parametrize("generation", sorted(TABLE.generations))
def test_half_loaded_servers_are_as_well_known(generation: str) -> None:
    gross, _ = modelled_energy(0.5, 1.0, 1, TABLE.model(generation))
    low, _, high = gross.bounds()
    assert high / low < 3.3 and gross.level == pytest.approx(0.95)


def test_every_generation_that_is_told_has_figures() -> None:
    known = set(TABLE.generations) | set(server_table._PRIORS)
    assert known == set(NAMES)


def test_a_neighbour_is_wider_and_arm_wider_still(tmp_path: Path) -> None:
    assert full_load_width(MILAN, tmp_path) <= 3
    assert full_load_width(GENOA, tmp_path) == pytest.approx(4)
    assert full_load_width(GRAVITON, tmp_path) == pytest.approx(6)


@pytest.mark.parametrize(
    ("cpu", "watts_per_thread"),
    [
        # SPECpower_ssj2008, published 2022 to 2023, none of them in the table
        (GENOA, 827 / 384),  # ASUS RS720A-E12-RS12, EPYC 9654
        (GENOA, 351 / 192),
        (replace(GENOA, vendor="GenuineIntel", family=6, model=143), 1036 / 240),  # 8490H
        (replace(GENOA, vendor="GenuineIntel", family=6, model=143), 2336 / 512),  # 6428N
        (replace(GENOA, vendor="GenuineIntel", family=6, model=106), 1906 / 384),  # 5318Y
        (replace(GENOA, vendor="GenuineIntel", family=6, model=85, stepping=7), 4519 / 1120),
        (replace(GRAVITON, part=0xD0C), 250 / 128),  # Altra Q64-30
    ],
)
def test_servers_of_elsewhere_lie_within(cpu, watts_per_thread, tmp_path) -> None:
    model = choose_node_model(cpu, calibration=tmp_path / "none").model
    low, _, high = model.busy_w.bounds()
    assert low < watts_per_thread < high


def test_it_says_which_generation_it_saw_and_what_would_narrow_it(tmp_path: Path) -> None:
    source = choose_node_model(MILAN, calibration=tmp_path / "none").source
    assert source.startswith("AMD Zen 3 (EPYC 7xx3), by AuthenticAMD family 25, model 1")
    assert "22 published results of SPECpower_ssj2008 (SPEC)" in source
    assert "a plug" in source and "wattmark meter calibrate" in source


def test_a_masked_machine_has_a_narrower_processor_too(tmp_path: Path) -> None:
    chosen = choose_power_model(MILAN, calibration=tmp_path / "none", table=tmp_path / "none")
    low, value, high = chosen.model.busy_w.bounds()
    assert high / low < 4 and "Zen 3" in chosen.source
    node = choose_node_model(MILAN, calibration=tmp_path / "none").model.busy_w.bounds()[1]
    assert value < node  # the package is a part of the node


@pytest.mark.parametrize(
    ("generation", "tdp_w", "threads"),
    [
        ("zen1", 180, 64),  # EPYC 7601
        ("zen2", 225, 128),  # 7742
        ("zen3", 280, 128),  # 7763
        ("broadwell", 145, 44),  # Xeon E5-2699 v4
        ("skylake", 205, 56),  # Platinum 8180
        ("cascade-lake", 150, 48),  # Gold 6252
        ("ice-lake", 270, 80),  # Platinum 8380
    ],
)
def test_a_package_at_its_tdp_lies_within(generation, tdp_w, threads) -> None:
    low, _, high = package_model(TABLE.model(generation)).busy_w.bounds()
    assert low < tdp_w / threads < high
    assert high / low < 3.5


def calibration(path: Path, domain: str, cpu: CpuInfo) -> Path:
    def watts(value: float) -> Quantity:
        return Quantity.between(value, 0.98 * value, 1.02 * value, "W", grade=Grade.METERED)

    found = Calibration(
        measured_at=NOW,
        machine=MachineIdentity.of(cpu),
        source="plug",
        grade=Grade.METERED,
        domain=domain,
        idle_w=watts(40.0),
        full_w=watts(120.0),
    )
    write_calibration(found, path)
    return path


def test_a_plug_comes_first_and_is_the_whole_node(tmp_path: Path) -> None:
    file = calibration(tmp_path / "c.json", "node", DESKTOP)
    chosen = choose_node_model(DESKTOP, calibration=file, now=NOW)
    low, value, high = chosen.model.busy_w.bounds()
    assert value == pytest.approx(120 / 8) and high / low < 1.3
    assert chosen.model.idle_share.bounds()[1] == pytest.approx(1 / 3)
    assert chosen.source == "this machine's calibration of 2026-05-01 by plug (metered, node)"


def test_a_calibration_of_the_processor_or_another_machine_is_none_of_the_node(tmp_path) -> None:
    of_processor = calibration(tmp_path / "cpu.json", "cpu", MILAN)
    assert "Zen 3" in choose_node_model(MILAN, calibration=of_processor, now=NOW).source
    of_another = calibration(tmp_path / "other.json", "node", DESKTOP)
    source = choose_node_model(MILAN, calibration=of_another, now=NOW).source
    assert "the calibration is not used: it is of another machine" in source
    (tmp_path / "broken.json").write_text("{")
    source = choose_node_model(MILAN, calibration=tmp_path / "broken.json", now=NOW).source
    assert "the calibration is not used" in source


def test_a_machine_of_no_generation_has_no_modelled_node(tmp_path, monkeypatch) -> None:
    with pytest.raises(MeterError, match=r"'Some CPU 1000' .*model 151.* no server generation"):
        choose_node_model(DESKTOP, calibration=tmp_path / "none")

    def unknown():
        return choose_node_model(DESKTOP, calibration=tmp_path / "none")

    monkeypatch.setattr(modelled_node, "choose_node_model", unknown)
    availability = ModelledNode().probe()
    assert not availability.available and availability.reason is Reason.NO_METER
    with pytest.raises(MeterError, match="no model of the node"):
        ModelledNode().open(cores=2)


def test_a_window_of_the_meter() -> None:
    model = server_model(2.0, 0.2, (0.75, 1.9), (0.7, 1.8))
    meter = ModelledNode(model)
    with pytest.raises(MeterError, match="not open"):
        meter.channels()
    with pytest.raises(MeterError, match="at least one core"):
        meter.open(cores=0)
    info = meter.open(cores=4)
    assert (info.name, info.domains, info.scope) == ("modelled-node", ("node",), Scope.PROCESS)
    assert "2 W at the wall per busy hardware thread [1.5, 3.8]" in info.detail
    before = MeterReading(time_ns=0, values={"cpu_s": 1.0})
    after = MeterReading(time_ns=2_000_000_000, values={"cpu_s": 4.0})
    (window,) = meter.energy(before, after)
    assert (window.meter, window.domain) == ("modelled-node", "node")
    assert window.gross.bounds()[1] == pytest.approx(8.0)
    assert window.idle_allocated == window.gross
    assert window.comparable is not None and "per busy core" in window.comparable.scale
    (channel,) = meter.channels()
    assert channel.domain == "node" and channel.model is not None and channel.model.cores == 4
    assert meter.read().values["cpu_s"] > 0
    meter.close()
