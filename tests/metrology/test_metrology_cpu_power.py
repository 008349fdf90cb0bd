from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from wattmark.metrology.cpu_windows import cpu_reading, cpu_window
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records.common_parts import normal_z

TEN_WATTS = PowerModel(
    busy_w=Quantity.between(10.0, 5.0, 20.0, "W"),
    idle_share=Quantity.between(0.2, 0.1, 0.5, "1"),
)

works = st.builds(CpuWork, st.floats(1e-3, 1e5), st.floats(1e-3, 1e5), st.integers(1, 512))
shares = st.tuples(*[st.floats(0, 1)] * 3).map(sorted)


@st.composite
def models(draw: st.DrawFn) -> PowerModel:
    spread = draw(st.floats(0, 0.5))
    mean = draw(st.floats(0.1, 100))
    low, high = draw(st.floats(0.1, 1)), draw(st.floats(1, 10))
    share_low, share, share_high = draw(shares)
    return PowerModel.widened(
        Quantity.between(mean, low * mean, high * mean, "W"),
        Quantity.between(share, share_low, share_high, "1"),
        spread,
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
def test_dynamic_energy_never_exceeds_gross_where_the_cores_suffice(cpu_s, wall_s, cores):
    gross, dynamic = modelled_energy(cpu_s, wall_s, cores)
    assert all(d <= g * (1 + 1e-12) for d, g in zip(dynamic.bounds(), gross.bounds(), strict=True))
    assert dynamic.bounds()[0] >= 0


@settings(derandomize=True, deadline=None)
@given(works, models(), st.floats(0, 1), st.floats(0, 1))
def test_the_interval_covers_every_machine_that_the_model_allows(work, model, at_busy, at_share):
    def between(q: Quantity, at: float) -> float:
        low, _, high = q.bounds()
        return low + at * (high - low)

    busy_w, share = between(model.busy_w, at_busy), between(model.idle_share, at_share)
    truth_j = busy_w * (work.cpu_s + share * (work.wall_s * work.cores - work.cpu_s))
    gross, _ = modelled_energy(work.cpu_s, work.wall_s, work.cores, model)
    low, _, high = gross.bounds()
    assert low * (1 - 1e-9) <= truth_j <= high * (1 + 1e-9)


def test_an_energy_to_compare_has_the_machines_watts_held_fixed():
    found = comparable_energy(CpuWork(cpu_s=3.0, wall_s=5.0, cores=2), TEN_WATTS)
    # 10 W x (0.9 or 0.8 or 0.5 x 3 s + 0.1 or 0.2 or 0.5 x 5 s x 2) = 37, 44, 65 J; the share's
    # longer arm, and 1.1 / 0.9 between two programs, are independent
    arm = math.hypot(math.log(65.0 / 44.0), math.log(1.1 / 0.9) / math.sqrt(2))
    around = 44.0 * math.exp(-arm), 44.0, 44.0 * math.exp(arm)
    assert found.energy.bounds() == pytest.approx(around)
    assert found.idle_effect == pytest.approx(math.log(65.0 / 44.0) / normal_z(0.95))
    assert found.scale == "10 W per busy core, idle 0.2 of it"
    assert found.energy.grade is Grade.MODELLED


@settings(derandomize=True, deadline=None)
@given(works, works, models(), st.floats(0, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_two_energies_to_compare_cover_their_ratio_on_every_machine(a, b, model, at, one, other):
    low, _, high = model.idle_share.bounds()
    share = low + at * (high - low)
    energies = [comparable_energy(w, model).energy for w in (a, b)]
    if energies[1].bounds()[0] <= 0:
        return
    drawn = [
        work.gross(share) * (1 + program * model.program_spread)
        for work, program in ((a, one), (b, other))
    ]
    least, _, most = (energies[0] / energies[1]).bounds()
    assert least * (1 - 1e-9) <= drawn[0] / drawn[1] <= most * (1 + 1e-9)


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


def test_watts_that_are_surer_than_programs_are_alike_are_refused():
    exact = Quantity.between(10.0, 9.9, 10.1, "W")
    with pytest.raises(MeterError, match="widen them"):
        PowerModel(exact, TEN_WATTS.idle_share)
    model = PowerModel.widened(exact, TEN_WATTS.idle_share)
    assert model.busy_w.bounds() == pytest.approx((8.91, 10.0, 11.11))


def test_a_window_has_all_three_energies():
    before, after = cpu_reading(0, 1.0), cpu_reading(5_000_000_000, 4.0)
    window = cpu_window("modelled-cpu", before, after, 2, TEN_WATTS)
    assert window.idle_allocated == window.gross
    assert window.gross.bounds() == pytest.approx((18.5, 44.0, 130.0))
    assert window.idle_subtracted.bounds()[1] == pytest.approx(24.0)
    assert window.comparable == comparable_energy(CpuWork(3.0, 5.0, 2), TEN_WATTS)


def test_cpu_time_that_went_back_is_missing_in_all_three():
    window = cpu_window("modelled-cpu", cpu_reading(1, 9.0), cpu_reading(2, 3.0), 1, TEN_WATTS)
    energies = (window.gross, window.idle_subtracted, window.idle_allocated)
    assert {e.reason for e in energies} == {Reason.COUNTER_RESET}
    assert window.comparable is None
