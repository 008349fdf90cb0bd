from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import MeterError
from wattmark.metrology.cpu_power import DEFAULT_MODEL
from wattmark.metrology.load_line import fit_load_line, node_model, processor_model, scaled
from wattmark.quantities import Grade, Quantity

LADDER = [0.0, 0.25, 0.5, 0.75, 1.0]


def linear(utilisations, idle_w=20.0, full_w=100.0):
    return [idle_w + (full_w - idle_w) * u for u in utilisations]


def watts(low: float, value: float, high: float) -> Quantity:
    return Quantity.between(value, low, high, "W")


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.floats(0, 300), st.floats(1, 700))
def test_a_machine_that_is_a_line_is_found_exactly(idle_w, growth_w):
    line = fit_load_line(LADDER, linear(LADDER, idle_w, idle_w + growth_w))
    assert line.idle_w.bounds()[1] == pytest.approx(idle_w, abs=1e-6 * growth_w + 1e-9 * idle_w)
    assert line.full_w.bounds()[1] == pytest.approx(idle_w + growth_w)
    assert line.residual_w == pytest.approx(0, abs=1e-6 * (idle_w + growth_w))


def test_one_window_with_other_work_hardly_moves_the_line():
    loads = LADDER * 3
    powers = linear(loads)
    powers[0] += 60.0
    powers[1] += 0.1
    powers[3] -= 0.1
    line = fit_load_line(loads, powers)
    assert line.idle_w.bounds()[1] == pytest.approx(20.0, abs=1.0)
    assert np.polyfit(loads, powers, 1)[1] > 24  # what plain least squares makes of it


def test_the_intervals_cover_the_truth_of_noisy_machines():
    random = np.random.default_rng(7)
    loads = LADDER * 3
    covered = 0
    for _ in range(300):
        powers = np.array(linear(loads)) + random.normal(0, 2.0, len(loads))
        line = fit_load_line(loads, powers.tolist())
        idle, full = line.idle_w.bounds(), line.full_w.bounds()
        covered += idle[0] <= 20 <= idle[2] and full[0] <= 100 <= full[2]
    assert covered >= 0.95 * 300


@pytest.mark.parametrize(
    "loads, powers, message",
    [
        ([0.0, 0.5, 1.0], [1.0, 2.0, 3.0], "at least 4 windows"),
        ([0.9, 0.95, 1.0, 1.0], [1.0, 2.0, 3.0, 3.0], "free the machine"),
        (LADDER, [5.0] * 5, "did not grow"),
        (LADDER, linear(LADDER, 50.0, 20.0), "did not grow"),
    ],
)
def test_what_makes_no_line_is_refused(loads, powers, message):
    with pytest.raises(MeterError, match=message):
        fit_load_line(loads, powers)


def test_the_error_of_the_meter_comes_on_top():
    power = scaled(watts(9.0, 10.0, 11.0), 0.9, 1.1, Grade.COUNTED)
    assert power.bounds() == pytest.approx((8.1, 10.0, 12.1))
    assert power.grade is Grade.COUNTED


def test_a_processor_measured_by_itself_gives_watts_per_logical_cpu():
    model = processor_model(watts(18, 20, 22), watts(95, 100, 105), logical_cpus=8)
    assert model.busy_w.bounds() == pytest.approx((95 / 8 * 0.9, 12.5, 105 / 8 * 1.1))
    assert model.idle_share.bounds() == pytest.approx((18 / 105, 0.2, 22 / 95))


def test_a_node_meter_tells_the_growth_and_not_the_idle_share():
    model = node_model(watts(98, 100, 102), watts(196, 200, 204), logical_cpus=10)
    assert model.idle_share == DEFAULT_MODEL.idle_share
    low, value, high = model.busy_w.bounds()
    # 10 W more per busy CPU, of which 7 to 10 W are its own; busy = growth / (1 - idle share)
    assert low < 7.0 / (1 - 0.1) and high > 10.0 / (1 - 0.4)
    assert low < value < high


def test_readings_that_do_not_tell_load_from_idle_are_refused():
    with pytest.raises(MeterError, match="not told apart"):
        node_model(watts(90, 100, 110), watts(95, 105, 115), logical_cpus=2)
    with pytest.raises(MeterError, match="not told apart"):
        processor_model(watts(0, 1, 2), watts(0, 5, 10), logical_cpus=2)
