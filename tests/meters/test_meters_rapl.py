from __future__ import annotations

import os

import pytest

from wattmark.errors import MeterError
from wattmark.meters.rapl import DEFAULT_MAX_POWER_W, Rapl, find_zones
from wattmark.quantities import Grade, Reason
from wattmark.records import MeterReading


def at(seconds: float, **joules: float) -> MeterReading:
    """A reading; ``cpu0`` stands for the key ``cpu:0``."""
    values = {f"{key[:-1]}:{key[-1]}": value for key, value in joules.items()}
    return MeterReading(time_ns=round(seconds * 1e9), values=values)


def opened(root) -> Rapl:
    meter = Rapl(root)
    meter.open(cores=2)
    return meter


def test_packages_and_memory_are_counted_once(powercap):
    powercap("intel-rapl:0", name="package-0", energy_uj=1)
    powercap("intel-rapl:0:0", name="core", energy_uj=1)
    powercap("intel-rapl:0:1", name="uncore", energy_uj=1)
    powercap("intel-rapl:0:2", name="dram", energy_uj=1)
    powercap("intel-rapl:1", name="package-1", energy_uj=1)
    powercap("intel-rapl:2", name="psys", energy_uj=1)
    root = powercap("intel-rapl-mmio:0", name="package-0", energy_uj=1)
    found = {zone.key: zone.folder.name for zone in find_zones(root)}
    assert found == {"cpu:0": "intel-rapl:0", "dram:0": "intel-rapl:0:2", "cpu:1": "intel-rapl:1"}


def test_reading_gives_joules_and_energy_sums_the_sockets(powercap):
    powercap("intel-rapl:0", name="package-0", energy_uj=1_500_000)
    root = powercap("intel-rapl:1", name="package-1", energy_uj=2_000_000)
    meter = opened(root)
    before = meter.read()
    assert before.values == {"cpu:0": 1.5, "cpu:1": 2.0}
    powercap("intel-rapl:0", name="package-0", energy_uj=11_500_000)
    powercap("intel-rapl:1", name="package-1", energy_uj=7_000_000)
    after = meter.read().model_copy(update={"time_ns": before.time_ns + 10**9})
    (window,) = meter.energy(before, after)
    meter.close()
    assert (window.meter, window.domain, window.gross.grade) == ("rapl", "cpu", Grade.COUNTED)
    # 15 J in 1 s: edges of 2 x 15 W x 1 ms, gain of 10 %
    assert window.gross.bounds() == pytest.approx((14.97 / 1.1, 15.0, 15.03 / 0.9))
    assert window.idle_subtracted.reason is Reason.IDLE_NOT_MEASURED
    assert (window.before, window.after) == (before, after)


def test_a_wrap_loses_no_joule(powercap):
    root = powercap("intel-rapl:0", name="package-0", energy_uj=0, range_uj=65_532_610_987)
    (window,) = opened(root).energy(at(0, cpu0=65_532.610_000), at(1, cpu0=9.0))
    assert window.gross.value == pytest.approx(9.000_988, abs=1e-9)


def test_a_window_in_which_a_wrap_could_hide_is_refused(powercap):
    root = powercap(
        "intel-rapl:0",
        name="package-0",
        energy_uj=0,
        range_uj=65_532_610_987,
        constraint_0_max_power_uw=225_000_000,
    )
    meter = opened(root)
    (fine,) = meter.energy(at(0, cpu0=1), at(145, cpu0=20_000))
    (refused,) = meter.energy(at(0, cpu0=1), at(146, cpu0=20_000))
    assert fine.gross.known
    assert refused.gross.reason is refused.idle_subtracted.reason is Reason.COUNTER_WRAPPED


def test_the_largest_stated_limit_counts_and_else_a_conservative_one(powercap):
    powercap(
        "intel-rapl:0",
        name="package-0",
        energy_uj=0,
        constraint_0_max_power_uw=15_000_000,
        constraint_1_power_limit_uw=64_000_000,
    )
    root = powercap("intel-rapl:1", name="package-1", energy_uj=0, constraint_0_max_power_uw=0)
    assert [z.max_power_w for z in find_zones(root)] == [64.0, DEFAULT_MAX_POWER_W]


def test_a_counter_that_was_reset_is_not_taken_for_a_wrap(powercap):
    root = powercap("intel-rapl:0", name="package-0", energy_uj=0)
    (window,) = opened(root).energy(at(0, cpu0=200_000), at(10, cpu0=5))
    assert window.gross.reason is Reason.COUNTER_RESET


def test_a_window_below_ten_milliseconds_is_missing(powercap):
    root = powercap("intel-rapl:0", name="package-0", energy_uj=0)
    (window,) = opened(root).energy(at(0, cpu0=1), at(0.009, cpu0=1.5))
    assert window.gross.reason is Reason.WINDOW_TOO_SHORT


def test_one_unread_socket_makes_the_domain_missing_and_leaves_the_other(powercap):
    powercap("intel-rapl:0", name="package-0", energy_uj=0)
    powercap("intel-rapl:0:0", name="dram", energy_uj=0)
    root = powercap("intel-rapl:1", name="package-1", energy_uj=0)
    windows = opened(root).energy(at(0, cpu0=1, dram0=1), at(1, cpu0=5, cpu1=5, dram0=3))
    assert {w.domain: w.gross.reason for w in windows} == {"cpu": Reason.READ_FAILED, "dram": None}


def test_garbage_in_a_counter_is_a_meter_error(powercap):
    root = powercap("intel-rapl:0", name="package-0", energy_uj=0)
    meter = opened(root)
    (root / "intel-rapl:0" / "energy_uj").write_text("nonsense")
    with pytest.raises(MeterError, match="could not be read"):
        meter.read()


def test_without_zones_there_is_no_meter(tmp_path):
    availability = Rapl(tmp_path / "absent").probe()
    assert (availability.available, availability.reason) == (False, Reason.NO_METER)
    with pytest.raises(MeterError, match="rapl cannot be used: no package zone"):
        Rapl(tmp_path).open(cores=1)


@pytest.mark.parametrize("said", [None, "", "0", "much"])
def test_a_counter_that_states_no_range_counts_as_long_as_it_rises(powercap, said):
    powercap("intel-rapl:0", name="package-0", energy_uj=4_000_000_000)
    root = powercap("intel-rapl:1", name="package-1", energy_uj=7_000)
    file = root / "intel-rapl:0" / "max_energy_range_uj"
    file.unlink() if said is None else file.write_text(said)
    available = Rapl(root).probe()
    assert available.available
    assert f"{file} states no range" in available.detail and "modprobe" in available.detail
    meter = opened(root)
    (rises,) = meter.energy(at(0, cpu0=4000, cpu1=1), at(10, cpu0=4500, cpu1=301))
    assert rises.gross.value == 800
    (falls,) = meter.energy(at(0, cpu0=4000, cpu1=1), at(10, cpu0=3, cpu1=301))
    (long,) = meter.energy(at(0, cpu0=4000, cpu1=1), at(70, cpu0=4500, cpu1=301))
    for refused in (falls.gross, long.gross):
        assert refused.reason is Reason.COUNTER_WRAPPED
        assert f"{file} does not say where the counter wraps" in refused.detail


@pytest.mark.parametrize("others", [1, 3])
def test_dies_that_show_the_counter_of_their_socket_count_once(powercap, others):
    for die in range(1 + others):
        root = powercap(
            f"intel-rapl:{die}", name=f"package-0-die-{die}", energy_uj=5_000_123_456 + 14 * die
        )
    meter = opened(root)
    before = meter.read()
    for die in range(1 + others):
        uj = 5_680_123_456 + 900 * die
        powercap(f"intel-rapl:{die}", name=f"package-0-die-{die}", energy_uj=uj)
    after = meter.read().model_copy(update={"time_ns": before.time_ns + 10 * 10**9})
    (window,) = meter.energy(before, after)
    assert window.gross.value == 680.0


def test_two_sockets_of_two_mirrored_dies_are_two(powercap):
    for n, name in enumerate(f"package-{s}-die-{d}" for s in (0, 1) for d in (0, 1)):
        root = powercap(f"intel-rapl:{n}", name=name, energy_uj=1)
    before = at(0, cpu0=10.0, cpu1=10.0, cpu2=10.0, cpu3=10.0)
    after = at(10, cpu0=310.0, cpu1=310.0, cpu2=310.0, cpu3=310.0)
    (window,) = opened(root).energy(before, after)
    assert window.gross.value == 600.0


def test_dies_with_counters_of_their_own_add_up(powercap):
    powercap("intel-rapl:0", name="package-0-die-0", energy_uj=1)
    root = powercap("intel-rapl:1", name="package-0-die-1", energy_uj=1)
    (window,) = opened(root).energy(at(0, cpu0=1, cpu1=1), at(10, cpu0=301, cpu1=341))
    assert window.gross.value == 640.0


def test_mirrored_dies_count_once_across_a_wrap_too(powercap):
    powercap("intel-rapl:0", name="package-0-die-0", energy_uj=1)
    root = powercap("intel-rapl:1", name="package-0-die-1", energy_uj=1)
    top = 262_143.328_851
    (window,) = opened(root).energy(at(0, cpu0=top - 0.1, cpu1=0.01), at(10, cpu0=300, cpu1=300.1))
    assert window.gross.value == pytest.approx(300.1)


def test_a_package_holds_its_dies(powercap):
    powercap("intel-rapl:0", name="package-0", energy_uj=1)
    root = powercap("intel-rapl:1", name="package-0-die-0", energy_uj=1)
    assert [zone.folder.name for zone in find_zones(root)] == ["intel-rapl:0"]


def test_a_zone_is_what_its_name_says_and_not_what_its_folder_is_called(powercap):
    powercap("intel-rapl-mmio:0", name="package-0", energy_uj=1)
    assert [zone.key for zone in find_zones(powercap("x:7", name="dram", energy_uj=1))] == [
        "dram:0",
        "cpu:0",
    ]


def test_of_a_package_that_two_registers_show_one_is_counted(powercap):
    root = powercap("intel-rapl-mmio:0", name="package-0", energy_uj=1)
    assert Rapl(root).probe().detail == "cpu:0 = intel-rapl-mmio:0"
    powercap("intel-rapl:0", name="package-0", energy_uj=1)
    assert Rapl(root).probe().detail == "cpu:0 = intel-rapl:0"
    (root / "intel-rapl:0" / "energy_uj").write_text("")
    assert Rapl(root).probe().detail == "cpu:0 = intel-rapl-mmio:0"


def test_the_kernels_own_layout_of_folders_within_folders_is_read_once(powercap):
    root = powercap("intel-rapl", name="intel-rapl", energy_uj=0)
    (root / "intel-rapl" / "name").unlink()
    (root / "intel-rapl" / "energy_uj").unlink()
    powercap("intel-rapl/intel-rapl:0", name="package-0", energy_uj=1)
    powercap("intel-rapl/intel-rapl:0/intel-rapl:0:0", name="dram", energy_uj=1)
    (root / "intel-rapl:0").symlink_to(root / "intel-rapl" / "intel-rapl:0")
    (root / "intel-rapl" / "intel-rapl:0" / "subsystem").symlink_to(root)
    assert [zone.key for zone in find_zones(root)] == ["cpu:0", "dram:0"]


@pytest.mark.parametrize(
    ("file", "text"), [("name", None), ("name", ""), ("name", "mystery"), ("energy_uj", None)]
)
def test_a_zone_that_is_not_counted_takes_nothing_away(powercap, file, text):
    powercap("intel-rapl:0", name="package-0", energy_uj=1)
    root = powercap("intel-rapl:1", name="psys", energy_uj=1)
    broken = root / "intel-rapl:1" / file
    broken.unlink() if text is None else broken.write_text(text)
    (window,) = opened(root).energy(at(0, cpu0=1), at(10, cpu0=38.8))
    assert window.gross.value == pytest.approx(37.8)
    assert "intel-rapl:1" in Rapl(root).probe().detail


@pytest.mark.parametrize("text", [None, "", "nonsense", "-5"])
def test_a_package_that_cannot_be_read_costs_its_domain_and_no_other(powercap, text):
    powercap("intel-rapl:0", name="package-0", energy_uj=1)
    powercap("intel-rapl:0:0", name="dram", energy_uj=1)
    root = powercap("intel-rapl:1", name="package-1", energy_uj=1)
    file = root / "intel-rapl:1" / "energy_uj"
    file.unlink() if text is None else file.write_text(text)
    assert str(file) in Rapl(root).probe().detail
    meter = Rapl(root)
    assert meter.open(cores=2).domains == ("dram",)
    windows = meter.energy(at(0, cpu0=1, dram0=1), at(10, cpu0=5, dram0=3))
    said = {window.domain: window.gross for window in windows}
    assert said["dram"].value == 2
    assert said["cpu"].reason is Reason.READ_FAILED and str(file) in said["cpu"].detail


def test_an_unlimited_limit_is_none(powercap):
    root = powercap(
        "intel-rapl:0", name="package-0", energy_uj=1, constraint_0_power_limit_uw=2**52
    )
    assert [zone.max_power_w for zone in find_zones(root)] == [DEFAULT_MAX_POWER_W]


def test_a_refused_permission_comes_with_its_cure(powercap, monkeypatch):
    root = powercap("intel-rapl:0", name="package-0", energy_uj=0)
    really_open = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith("energy_uj"):
            raise PermissionError(13, "Permission denied", str(path))
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    availability = Rapl(root).probe()
    assert availability.reason is Reason.PERMISSION
    assert f"chmod a+r {root}/intel-rapl:*/energy_uj" in availability.detail
    assert "udev" in availability.detail


def test_reading_a_closed_meter_is_an_error(powercap):
    meter = opened(powercap("intel-rapl:0", name="package-0", energy_uj=0))
    meter.close()
    with pytest.raises(MeterError, match="not open"):
        meter.read()
