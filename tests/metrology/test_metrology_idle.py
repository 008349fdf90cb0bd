from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import MeterError
from wattmark.metrology.idle import (
    idle_allocated,
    idle_power,
    idle_subtracted,
    reserved_share,
    with_idle,
)
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

GROSS = Quantity.between(100.0, 90.0, 110.0, "J", grade=Grade.COUNTED)
IDLE = Quantity.between(4.0, 3.0, 5.0, "W", grade=Grade.COUNTED)
LOST = Quantity.missing("J", Reason.SENSOR_LOST, "unplugged")


def test_the_idle_energy_of_the_time_is_taken_off_at_the_extremes():
    found = idle_subtracted(GROSS, IDLE, wall_s=10.0)
    assert found.bounds() == pytest.approx((90 - 50, 60, 110 - 30))
    assert (found.grade, found.level) == (Grade.COUNTED, pytest.approx(0.90))


def test_the_work_answers_for_its_share_of_idle():
    found = idle_allocated(GROSS, IDLE, wall_s=10.0, share=0.25)
    assert found.bounds() == pytest.approx((90 - 37.5, 70, 110 - 22.5))


def test_with_all_of_the_device_the_allocated_energy_is_gross():
    assert idle_allocated(GROSS, IDLE, wall_s=10.0, share=1.0) == GROSS


def test_with_none_of_the_device_the_allocated_energy_is_idle_subtracted():
    assert idle_allocated(GROSS, IDLE, 10.0, 0.0) == idle_subtracted(GROSS, IDLE, 10.0)


def test_a_low_end_below_zero_stays_for_subtracted_and_is_clipped_for_allocated():
    faint = Quantity.between(45.0, 40.0, 50.0, "J")
    assert idle_subtracted(faint, IDLE, 10.0).low == pytest.approx(-10.0)
    assert idle_allocated(faint, IDLE, 10.0, 0.0).low == 0.0


def test_a_window_below_idle_says_that_idle_was_not_idle():
    found = idle_subtracted(Quantity.exact(10.0, "J"), IDLE, 10.0)
    assert found.reason is Reason.IDLE_NOT_MEASURED
    assert "busy" in found.detail


@pytest.mark.parametrize("missing", [LOST, Quantity.missing("J", Reason.ALIASING)])
def test_what_is_missing_stays_missing_for_its_own_reason(missing):
    assert idle_subtracted(missing, IDLE, 10.0).reason is missing.reason
    assert idle_allocated(missing, IDLE, 10.0, 1.0).reason is missing.reason


def test_without_idle_power_both_are_missing():
    unknown = Quantity.missing("W", Reason.IDLE_NOT_MEASURED)
    assert idle_subtracted(GROSS, unknown, 10.0).reason is Reason.IDLE_NOT_MEASURED
    assert idle_allocated(GROSS, unknown, 10.0, 0.5).reason is Reason.IDLE_NOT_MEASURED


ENDS = st.tuples(*[st.floats(0, 1e6)] * 3).map(sorted)


@settings(derandomize=True)
@given(ENDS, ENDS, st.floats(0, 1e3), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_any_truth_within_both_intervals_gives_a_result_within_the_third(
    gross_j, idle_w, wall_s, share, at_gross, at_idle
):
    gross = Quantity.between(gross_j[1], gross_j[0], gross_j[2], "J")
    idle = Quantity.between(idle_w[1], idle_w[0], idle_w[2], "W")
    true_j = gross_j[0] + at_gross * (gross_j[2] - gross_j[0])
    true_w = idle_w[0] + at_idle * (idle_w[2] - idle_w[0])
    slack = 1e-9 * (gross_j[2] + idle_w[2] * wall_s)

    allocated = idle_allocated(gross, idle, wall_s, share)
    truth = true_j - true_w * wall_s * (1 - share)
    if allocated.known and truth >= 0:
        assert allocated.low - slack <= truth <= allocated.high + slack
    if not allocated.known:
        assert truth <= slack


def test_idle_power_is_energy_over_time_and_wider_where_its_parts_differ():
    steady = idle_power(GROSS, 10.0, [10.0, 10.0, 10.0])
    restless = idle_power(GROSS, 10.0, [5.0, 10.0, 15.0])
    assert steady.bounds() == pytest.approx((9.0, 10.0, 11.0))
    # 95 % of Student's t with 2 degrees of freedom: 4.303 x 5 / sqrt(3)
    assert restless.bounds() == pytest.approx((0.0, 10.0, 11.0 + 12.42), abs=0.01)
    assert restless.unit == "W" and restless.grade is Grade.COUNTED


def test_idle_power_of_a_lost_sensor_is_missing():
    assert idle_power(LOST, 10.0).reason is Reason.SENSOR_LOST
    with pytest.raises(MeterError, match="above 0"):
        idle_power(GROSS, 0.0)


@pytest.mark.parametrize(
    ("domain", "share"), [("cpu", 0.25), ("dram", 0.25), ("node", 0.25), ("gpu:0", 1.0)]
)
def test_shares_go_by_cores_but_a_gpu_is_the_works_alone(domain, share):
    assert reserved_share(domain, 2, 8) == share


def test_bad_shares_are_told():
    with pytest.raises(MeterError, match="within 0 to 1"):
        idle_allocated(GROSS, IDLE, 1.0, 1.5)
    with pytest.raises(MeterError, match="no share"):
        reserved_share("cpu", 0, 8)


def window(idle_subtracted: Quantity) -> EnergyWindow:
    ends = [MeterReading(time_ns=t * 10**9, values={}) for t in (5, 15)]
    return EnergyWindow(
        meter="rapl",
        domain="cpu",
        gross=GROSS,
        idle_subtracted=idle_subtracted,
        before=ends[0],
        after=ends[1],
    )


def test_a_window_gets_both_energies_over_its_own_time():
    found = with_idle(window(Quantity.missing("J", Reason.IDLE_NOT_MEASURED)), IDLE, 0.5)
    assert found.gross == GROSS
    assert found.idle_subtracted.value == pytest.approx(60.0)
    assert found.idle_allocated.value == pytest.approx(80.0)


def test_a_window_whose_meter_knows_its_idle_share_is_left_as_it_is():
    own = window(Quantity.exact(33.0, "J"))
    assert with_idle(own, IDLE, 0.5) == own
