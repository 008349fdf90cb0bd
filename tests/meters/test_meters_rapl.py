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


def test_an_incomplete_zone_does_not_make_the_probe_raise(powercap):
    root = powercap("intel-rapl:0", name="package-0", energy_uj=0)
    (root / "intel-rapl:0" / "max_energy_range_uj").unlink()
    assert Rapl(root).probe().reason is Reason.READ_FAILED


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
