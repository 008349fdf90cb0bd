from __future__ import annotations

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
    energy_ratio,
    modelled_energy,
)
from wattmark.metrology.cpu_windows import cpu_reading, cpu_window
from wattmark.quantities import Grade, Quantity, Reason

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


def test_the_ratio_of_dynamic_energies_is_that_of_the_cpu_times_on_any_machine():
    one, three = CpuWork(1.0, 2.0, 2), CpuWork(3.0, 4.0, 2)
    for model in (TEN_WATTS, DEFAULT_MODEL):
        ratio = energy_ratio(three, one, model, of="idle_subtracted", same_program=True)
        assert ratio.bounds() == pytest.approx((3.0, 3.0, 3.0))


def test_the_ratio_of_gross_energies_of_a_hand_calculated_pair():
    # 1 busy and 3 idle core-seconds against 4 busy ones, idle at 10, 20 and 50 % of busy
    ratio = energy_ratio(CpuWork(4, 2, 2), CpuWork(1, 2, 2), TEN_WATTS, same_program=True)
    assert ratio.bounds() == pytest.approx((4 / 2.5, 4 / 1.6, 4 / 1.3))
    apart = energy_ratio(CpuWork(4, 2, 2), CpuWork(1, 2, 2), TEN_WATTS)
    assert apart.bounds() == pytest.approx((4 / 2.5 * 0.9 / 1.1, 2.5, 4 / 1.3 * 1.1 / 0.9))
    assert ratio.unit == "1" and ratio.grade is Grade.MODELLED


def test_a_ratio_on_one_machine_is_much_surer_than_its_two_figures():
    a, b = CpuWork(20.0, 10.0, 2), CpuWork(15.0, 10.0, 2)
    one, other = (modelled_energy(w.cpu_s, w.wall_s, w.cores)[0] for w in (a, b))
    low, _, high = (one / other).bounds()
    shared_low, _, shared_high = energy_ratio(a, b).bounds()
    assert high / low > 100
    assert shared_high / shared_low < 1.7


@settings(derandomize=True, deadline=None)
@given(works, works, models(), st.sampled_from(["gross", "idle_subtracted"]), st.booleans())
def test_a_ratio_lies_within_the_ratio_of_independent_intervals(a, b, model, of, same):
    ratio = energy_ratio(a, b, model, of=of, same_program=same)
    at = 0 if of == "gross" else 1
    one, other = (modelled_energy(w.cpu_s, w.wall_s, w.cores, model)[at] for w in (a, b))
    if not ratio.known or other.bounds()[0] <= 0:
        return
    low, value, high = (one / other).bounds()
    assert ratio.bounds()[1] == pytest.approx(value)
    assert ratio.bounds()[0] >= low * (1 - 1e-6)
    assert ratio.bounds()[2] <= high * (1 + 1e-6)


@settings(derandomize=True, deadline=None)
@given(works, works, models(), st.floats(0, 1))
def test_a_ratio_covers_the_truth_of_every_machine_with_one_idle_share(a, b, model, at):
    low, _, high = model.idle_share.bounds()
    share = low + at * (high - low)
    ratio = energy_ratio(a, b, model)
    if ratio.known:
        truth = a.gross(share) / b.gross(share)
        assert ratio.bounds()[0] * (1 - 1e-9) <= truth <= ratio.bounds()[2] * (1 + 1e-9)


def test_an_energy_to_compare_has_the_machines_watts_held_fixed():
    found = comparable_energy(CpuWork(cpu_s=3.0, wall_s=5.0, cores=2), TEN_WATTS)
    # 10 W x (0.9 or 0.8 or 0.5 x 3 s + 0.1 or 0.2 or 0.5 x 5 s x 2), and 10 % for programs
    assert found.energy.bounds() == pytest.approx((37.0 * 0.9, 44.0, 65.0 * 1.1))
    assert found.scale == "10 W per busy core, idle 0.2 of it"
    assert found.energy.grade is Grade.MODELLED


@settings(derandomize=True, deadline=None)
@given(works, works, models())
def test_two_energies_to_compare_are_never_surer_of_their_ratio_than_the_ratio(a, b, model):
    ratio = energy_ratio(a, b, model)
    one, other = (comparable_energy(w, model).energy for w in (a, b))
    if not ratio.known or other.bounds()[0] <= 0:
        return
    low, value, high = (one / other).bounds()
    assert value == pytest.approx(ratio.value)
    assert low * (1 - 1e-9) <= ratio.bounds()[0]
    assert ratio.bounds()[2] <= high * (1 + 1e-9)


def test_a_ratio_to_nothing_is_missing():
    ratio = energy_ratio(CpuWork(1, 1, 1), CpuWork(0, 1, 1), of="idle_subtracted")
    assert ratio.reason is Reason.WINDOW_TOO_SHORT


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
