"""Published tables of the power models, both sides of their limits, and values by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattmark.errors import MeterError
from wattmark.metrology.cpu_power import (
    DEFAULT_MODEL,
    IDLE_TABLE,
    TDP_TABLE,
    CpuWork,
    PowerModel,
    comparable_energy,
    modelled_energy,
)
from wattmark.metrology.cpu_windows import cpu_channel, cpu_reading, cpu_window, work_between
from wattmark.metrology.dram_power import dram_energy, dram_power, module_power_w, modules
from wattmark.metrology.load_line import fit_load_line, node_model, processor_model, scaled
from wattmark.quantities import Grade, Quantity


def watts(low: float, value: float, high: float, level: float = 0.95) -> Quantity:
    return Quantity.between(value, low, high, "W", level=level)


def share(low: float, value: float, high: float, level: float = 0.95) -> Quantity:
    return Quantity.between(value, low, high, "1", level=level)


def test_watts_per_core_are_those_of_the_data_sheets() -> None:
    found = {name: round(power_w / cores, 2) for name, (power_w, cores) in TDP_TABLE.items()}
    assert found == {
        "AMD EPYC 9965": 2.60,
        "AMD EPYC 9754": 2.81,
        "AMD EPYC 9654": 3.75,
        "Intel Core i7-13700": 4.06,
        "AMD EPYC 7763": 4.38,
        "Intel Core i9-13900K": 5.21,
        "Intel Xeon Platinum 8480+": 6.25,
        "Intel Xeon Platinum 8380": 6.75,
        "AMD EPYC 7543": 7.03,
        "AMD Ryzen 7 7700": 8.12,
        "AMD Ryzen 9 7950X": 10.62,
    }


def test_idle_shares_are_those_of_cloud_carbon_footprint() -> None:
    found = {name: round(idle / full, 2) for name, (idle, full) in IDLE_TABLE.items()}
    assert found == {
        "Intel Skylake": 0.16,
        "Intel Cascade Lake": 0.17,
        "Intel Broadwell": 0.20,
        "AMD EPYC 3rd generation": 0.24,
        "AMD EPYC 2nd generation": 0.29,
        "Intel Haswell": 0.32,
        "AMD EPYC 1st generation": 0.32,
    }


def test_an_unknown_machine_lies_around_the_medians_of_the_tables() -> None:
    assert DEFAULT_MODEL.busy_w.bounds() == pytest.approx((500 / 192 / 2, 125 / 24, 15.0))
    assert DEFAULT_MODEL.idle_share.bounds() == pytest.approx((0.10, 0.45 / 1.87, 0.40))
    assert DEFAULT_MODEL.program_spread == 0.10
    assert DEFAULT_MODEL.busy_w.grade is Grade.MODELLED


def test_a_model_may_just_hold_what_programs_differ_by() -> None:
    half_idle = share(0.0, 0.5, 1.0)
    assert PowerModel(watts(9.0, 10.0, 11.0), half_idle, 0.1).program_spread == 0.1
    assert PowerModel(watts(10.0, 10.0, 10.0), half_idle, 0.0).scale.startswith("10 W")
    for low, high in ((9.01, 11.0), (9.0, 10.99)):
        with pytest.raises(MeterError, match="widen them"):
            PowerModel(watts(low, 10.0, high), half_idle, 0.1)
    for spread in (-0.01, 1.0):
        with pytest.raises(MeterError, match="widen them"):
            PowerModel(watts(1.0, 10.0, 100.0), half_idle, spread)


@pytest.mark.parametrize(
    ("busy", "idle"),
    [
        (watts(0.0, 10.0, 20.0), share(0.1, 0.2, 0.3)),
        (watts(5.0, 10.0, 20.0), share(-0.1, 0.2, 0.3)),
        (watts(5.0, 10.0, 20.0), share(0.1, 0.2, 1.1)),
    ],
)
def test_no_machine_has_such_parameters(busy: Quantity, idle: Quantity) -> None:
    with pytest.raises(MeterError, match="idle share"):
        PowerModel(busy, idle)


def test_levels_of_a_model_go_on_to_its_energies() -> None:
    wide = PowerModel.widened(watts(9, 10, 11, level=0.9), share(0.1, 0.2, 0.3, level=0.8), 0.2)
    assert wide.busy_w.bounds() == pytest.approx((7.2, 10.0, 13.2))
    assert (wide.busy_w.level, wide.program_spread) == (0.9, 0.2)
    assert modelled_energy(1.0, 1.0, 1, wide)[0].level == pytest.approx(0.7)
    # what is comparable is the program's spread and the idle share's effect, at one level
    assert comparable_energy(CpuWork(1.0, 1.0, 1), wide).energy.level == 0.95
    poor = PowerModel(watts(1, 10, 100, level=0.0), share(0.1, 0.2, 0.3))
    assert modelled_energy(1.0, 1.0, 1, poor)[0].level == 0.0
    worse = PowerModel(watts(1, 10, 100), share(0.1, 0.2, 0.3, level=0.0))
    assert modelled_energy(1.0, 1.0, 1, worse)[0].level == 0.0


def test_work_on_more_cores_than_its_own_costs_less_idle() -> None:
    model = PowerModel(watts(5, 10, 20), share(0.1, 0.2, 0.5))
    found = comparable_energy(CpuWork(cpu_s=4.0, wall_s=1.0, cores=1), model).energy
    # 10 W x ((1 - share) x 4 s + share x 1 s): less, the larger the share; 25 J at its high end
    own = math.hypot(math.log(34.0 / 25.0), math.log(1.1 / 0.9) / math.sqrt(2))
    bounds = 34.0 * math.exp(-own), 34.0, 34.0 * math.exp(own)
    assert found.bounds() == pytest.approx(bounds)


def test_no_cpu_time_and_no_time_are_work_and_below_is_none() -> None:
    model = PowerModel(watts(5, 10, 20), share(0.1, 0.2, 0.5))
    gross, dynamic = modelled_energy(0.0, 1.0, 1, model)
    assert (gross.value, dynamic.value) == (2.0, 0.0)
    assert modelled_energy(1.0, 0.0, 1, model)[0].value == 8.0


def test_cpu_time_that_stands_still_is_no_work_and_not_a_reset() -> None:
    before, after = cpu_reading(1_000_000_000, 5.0), cpu_reading(3_500_000_000, 5.0)
    assert before.values == {"cpu_s": 5.0, "wall_s": 1.0}
    assert after.values["wall_s"] == 3.5
    assert work_between(before, after, 2) == CpuWork(0.0, 2.5, 2)
    assert work_between(before, cpu_reading(3_500_000_000, 4.9), 2) is None
    window = cpu_window("modelled-cpu", before, after, 2, DEFAULT_MODEL)
    assert window.idle_subtracted.value == 0.0 and window.gross.known
    described = cpu_channel("modelled-cpu", 2, DEFAULT_MODEL).model
    assert described is not None and described.cores == 2
    assert described.busy_w == DEFAULT_MODEL.busy_w


@pytest.mark.parametrize(
    ("memory_gb", "count"),
    [
        *((2.0, 1), (2.1, 2), (16.0, 2), (16.1, 4), (64.0, 4), (64.1, 8), (128.0, 8)),
        *((129, 9), (255, 16), (256, 8), (257, 9), (511, 16), (512, 8), (1023, 16), (1024, 8)),
        *((1025, 9), (1500, 12), (4096, 32), (4097, 32)),
    ],
)
def test_modules_at_both_sides_of_every_size(memory_gb: float, count: int) -> None:
    assert modules(memory_gb) == count


def test_each_further_module_counts_less() -> None:
    # CodeCarbon: four whole, four 0.9, eight 0.8, then 0.7 of the watts of a module
    found = {n: module_power_w(gb, 1.0) for n, gb in ((2, 8), (4, 64), (8, 128), (9, 129))}
    assert found == pytest.approx({2: 2.0, 4: 4.0, 8: 7.6, 9: 8.4})
    assert module_power_w(255, 1.0) == pytest.approx(14.0)  # 16
    assert module_power_w(128 * 17, 1.0) == pytest.approx(14.7)  # 17


def test_memory_by_hand() -> None:
    x86, arm = dram_power(8), dram_power(8, "arm")
    assert x86.bounds() == pytest.approx((2.98, math.sqrt(2.98 * 10), 10.0))
    assert arm.bounds() == pytest.approx((2.98, math.sqrt(2.98 * 3), 3.0))
    gross, allocated = dram_energy(0.0, 8, (0.0, 1.0))
    assert gross.value == allocated.value == 0.0
    gross, allocated = dram_energy(10.0, 8, (1.0, 0.0))
    assert gross.bounds() == pytest.approx(tuple(10 * w for w in x86.bounds()))
    assert allocated.bounds() == pytest.approx((0.0, gross.bounds()[1] / 2, gross.bounds()[2]))
    assert (gross.level, allocated.level) == (0.95, 0.95)
    with pytest.raises(MeterError, match="shares"):
        dram_energy(1.0, 8, (-0.1, 0.5))


def test_a_load_line_by_hand() -> None:
    # four windows a watt off the line: t(2) x sqrt(4 / 2) x sqrt(1 + 1 / 2) for one more there
    line = fit_load_line([0.0, 0.0, 1.0, 1.0], [19.0, 21.0, 99.0, 101.0])
    half = 4.302653 * math.sqrt(2.0) * math.sqrt(1.5)
    assert line.residual_w == pytest.approx(math.sqrt(2.0))
    assert line.idle_w.bounds() == pytest.approx((20 - half, 20, 20 + half))
    assert line.full_w.bounds() == pytest.approx((100 - half, 100, 100 + half))
    assert line.idle_w.level == 0.95


def test_the_line_solves_hubers_equations() -> None:
    load = np.tile([0.0, 0.25, 0.5, 0.75, 1.0], 3)
    power = 20 + 80 * load + np.array([0, 1, -2, 1, -1, 3, 0.5, 60, -1, 2, 1, -3, 0.2, 1, -30])
    line = fit_load_line(load.tolist(), power.tolist())
    idle_w, full_w = line.idle_w.bounds()[1], line.full_w.bounds()[1]
    residuals = power - idle_w - (full_w - idle_w) * load
    # Huber 1964 with k = 1.345; the spread is 1.4826 times the median absolute residual
    bound = 1.345 * 1.4826 * np.median(np.abs(residuals))
    kept = np.clip(residuals, -bound, bound)
    assert kept.sum() == pytest.approx(0.0, abs=1e-6)
    assert (kept * load).sum() == pytest.approx(0.0, abs=1e-6)
    weights = np.minimum(1.0, bound / np.abs(residuals))
    assert line.residual_w == pytest.approx(math.sqrt((weights * residuals**2).sum() / 13))


def test_a_small_machine_and_one_that_rests_at_nothing_have_lines_too() -> None:
    ladder = [0.0, 0.1, 0.2, 0.3]
    small = fit_load_line(ladder, [0.1 + 0.4 * u for u in ladder])
    assert small.idle_w.bounds() == pytest.approx((0.1, 0.1, 0.1))
    assert small.full_w.bounds() == pytest.approx((0.5, 0.5, 0.5))
    resting = fit_load_line([0.0, 0.5, 0.5, 1.0], [-2.0, 4.0, 4.0, 10.0])
    assert resting.idle_w.bounds() == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)


@pytest.mark.parametrize(
    ("loads", "powers"),
    [
        ([0.0, 0.1, 0.2, 0.29], [1.0, 2.0, 3.0, 4.0]),
        ([0.0, 0.5, 0.5, 1.0], [1.0, 2.0, 3.0]),
        ([0.0, 0.5, 0.5, 1.0], [-9.0, -6.0, -6.0, -3.0]),
    ],
)
def test_what_is_no_line_is_refused(loads: list[float], powers: list[float]) -> None:
    with pytest.raises(MeterError):
        fit_load_line(loads, powers)


def test_levels_of_measured_powers_are_kept() -> None:
    assert scaled(watts(9, 10, 11, level=0.9), 0.9, 1.1, Grade.COUNTED).level == 0.9
    assert scaled(watts(9, 10, 11), 0.9, 1.1, Grade.COUNTED).level == 0.95


def test_an_idle_share_is_never_above_one() -> None:
    model = processor_model(watts(90, 100, 110), watts(95, 100, 105), logical_cpus=4)
    assert model.idle_share.bounds() == pytest.approx((90 / 105, 1.0, 1.0))
    assert model.idle_share.level == 0.95


def test_the_growth_of_a_node_by_hand() -> None:
    model = node_model(watts(98, 100, 102), watts(196, 200, 204), logical_cpus=10)
    low, value, high = model.busy_w.bounds()
    # 9.4, 10 and 10.6 W more per CPU, of which 70, 85 and 100 % are its own, over the rest that
    # is not idle (90, 76 and 60 %), and a tenth either way for programs
    idle = DEFAULT_MODEL.idle_share.bounds()[1]
    assert value == pytest.approx(10 * 0.85 / (1 - idle))
    assert (low, high) == pytest.approx((9.4 * 0.7 / 0.9 * 0.9, 10.6 / 0.6 * 1.1))
    assert model.busy_w.level == pytest.approx(0.90)
    with pytest.raises(MeterError, match="not told apart"):
        node_model(watts(90, 100, 110), watts(110, 120, 130), logical_cpus=1)
