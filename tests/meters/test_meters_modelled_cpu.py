from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import MeterError
from wattmark.meters.modelled_cpu import (
    DEFAULT_MODEL,
    IDLE_TABLE,
    TDP_TABLE,
    ModelledCpu,
    PowerModel,
    modelled_energy,
)
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import MeterReading

TEN_WATTS = PowerModel(
    busy_w=Quantity.between(10.0, 5.0, 20.0, "W"),
    idle_share=Quantity.between(0.2, 0.1, 0.5, "1"),
)


def test_gross_and_dynamic_energy_of_a_hand_calculated_window():
    gross, dynamic = modelled_energy(cpu_s=3.0, wall_s=5.0, cores=2, model=TEN_WATTS)
    # 3 busy core-seconds at 10 W and 7 idle ones at 2 W; ends: 5 W and 10 %, 20 W and 50 %
    assert gross.bounds() == pytest.approx((15 + 3.5, 30 + 14, 60 + 70))
    # 3 s at 8 W; ends: 5 W with half of it idle, 20 W with a tenth
    assert dynamic.bounds() == pytest.approx((7.5, 24.0, 54.0))
    assert gross.grade is dynamic.grade is Grade.MODELLED
    assert gross.level == pytest.approx(0.90)


@settings(derandomize=True, deadline=None)
@given(st.floats(0, 1e5), st.floats(0, 1e5), st.integers(1, 512))
def test_dynamic_energy_never_exceeds_gross(cpu_s, wall_s, cores):
    gross, dynamic = modelled_energy(cpu_s, wall_s, cores)
    assert all(d <= g * (1 + 1e-12) for d, g in zip(dynamic.bounds(), gross.bounds(), strict=True))
    assert dynamic.bounds()[0] >= 0


def test_a_ratio_of_two_windows_does_not_depend_on_the_model():
    def ratio(model: PowerModel) -> float:
        _, one = modelled_energy(1.0, 2.0, 2, model)
        _, three = modelled_energy(3.0, 4.0, 2, model)
        return three.bounds()[1] / one.bounds()[1]

    assert ratio(TEN_WATTS) == pytest.approx(ratio(DEFAULT_MODEL)) == pytest.approx(3.0)


def test_the_default_interval_covers_every_processor_of_its_tables():
    low, _, high = DEFAULT_MODEL.busy_w.bounds()
    assert all(low <= watts / cores <= high for watts, cores in TDP_TABLE.values())
    assert all(low <= full <= high for _, full in IDLE_TABLE.values())
    share_low, _, share_high = DEFAULT_MODEL.idle_share.bounds()
    assert all(share_low <= idle / full <= share_high for idle, full in IDLE_TABLE.values())


def test_the_default_model_describes_itself():
    assert DEFAULT_MODEL.describe() == ("5.2 W per busy core [1.3, 15], idle 24% of it [10%, 40%]")


def test_idle_watts_are_the_share_of_the_busy_ones():
    assert TEN_WATTS.idle_w.unit == "W"
    assert TEN_WATTS.idle_w.bounds() == pytest.approx((0.5, 2.0, 10.0))


@pytest.mark.parametrize("cpu_s, wall_s, cores", [(-1, 1, 1), (1, -1, 1), (1, 1, 0)])
def test_impossible_windows_are_refused(cpu_s, wall_s, cores):
    with pytest.raises(MeterError, match="no energy of"):
        modelled_energy(cpu_s, wall_s, cores)


def test_a_model_with_an_impossible_idle_share_is_refused():
    with pytest.raises(MeterError, match="idle share"):
        PowerModel(TEN_WATTS.busy_w, Quantity.between(0.9, 0.5, 1.5, "1"))


def test_a_real_burn_shows_its_cpu_time():
    meter = ModelledCpu()
    info = meter.open(cores=2)
    before = meter.read()
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    after = meter.read()
    (window,) = meter.energy(before, after)
    meter.close()
    cpu_s = after.values["cpu_s"] - before.values["cpu_s"]
    assert 0.2 <= cpu_s < 2.0
    assert info.domains == ("cpu",)
    _, gross, _ = window.gross.bounds()
    _, dynamic, _ = window.idle_subtracted.bounds()
    assert gross > dynamic > 0
    wall_s = (after.time_ns - before.time_ns) / 1e9
    assert (gross, dynamic) == pytest.approx(
        tuple(q.value for q in modelled_energy(cpu_s, wall_s, 2))
    )


def test_cpu_time_that_went_back_is_missing():
    meter = ModelledCpu()
    meter.open(cores=1)
    before, after = (
        MeterReading(time_ns=t, values={"cpu_s": c, "wall_s": t / 1e9})
        for t, c in ((1, 9.0), (2, 3.0))
    )
    (window,) = meter.energy(before, after)
    assert window.gross.reason is window.idle_subtracted.reason is Reason.COUNTER_RESET


def test_a_meter_that_was_not_opened_does_not_guess_the_cores():
    meter = ModelledCpu()
    with pytest.raises(MeterError, match="number of pinned cores"):
        meter.energy(meter.read(), meter.read())
