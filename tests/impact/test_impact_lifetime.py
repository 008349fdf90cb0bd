"""Training against inference, and after how many queries one pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.errors import ImpactError
from wattmark.impact.lifetime import lifetime, queries_to_save
from wattmark.impact.training_file import Training
from wattmark.quantities import Grade, Quantity, Reason


def a_training(**document: object) -> Training:
    return Training.parse(document, "training.yaml")


def test_hardware_and_hours() -> None:
    """355.2 h of 10 000 devices at 330 W in a building of PUE 1.1."""
    found = a_training(pue=1.1, hardware={"hours": 355.2, "devices": 10_000, "power_w": 330})
    assert found.energy_it().bounds()[1] == pytest.approx(355.2 * 10_000 * 0.330)
    assert found.energy_facility().to("MWh").bounds()[1] == pytest.approx(1289.4, abs=0.1)
    assert found.energy_it().grade is Grade.MODELLED


def test_operations_with_a_range_of_use() -> None:
    found = a_training(
        flops={
            "parameters": 1e9,
            "tokens": 1e9,
            "peak_flop_per_s": 1e15,
            "mfu": {"value": 0.4, "low": 0.3, "high": 0.5},
            "power_w": 1000,
        }
    )
    low, value, high = found.energy_it().to("J").bounds()
    assert (low, value, high) == pytest.approx((1.2e7, 1.5e7, 2e7))


def test_measured_energy_keeps_its_grade_and_range() -> None:
    given = {"value": 2.0, "low": 1.9, "high": 2.2}
    found = a_training(measured={"energy_kwh": given, "grade": "metered"})
    assert found.energy_it().bounds() == (1.9, 2.0, 2.2)
    assert found.energy_facility().grade is Grade.METERED


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "exactly one of measured, hardware, flops"),
        ({"hardware": {"hours": 1, "devices": 1}}, "hardware.power_w"),
        ({"hardwear": {}}, "hardwear"),
        (
            {"flops": {"parameters": 1, "peak_flop_per_s": 1, "mfu": 0.4, "power_w": 1}},
            "give flop, or parameters and tokens",
        ),
    ],
)
def test_a_training_that_cannot_be_is_refused_by_its_field(document, said) -> None:
    with pytest.raises(ImpactError, match=said):
        Training.parse(document, "training.yaml")


@pytest.mark.parametrize(
    ("changes", "said"), [({"mfu": 1.4}, "mfu"), ({"mfu": 0}, "mfu"), ({"power_w": -1}, "power_w")]
)
def test_impossible_hardware_is_refused(changes: dict[str, float], said: str) -> None:
    good = {"flop": 1e20, "peak_flop_per_s": 1e15, "mfu": 0.4, "power_w": 700}
    with pytest.raises(ImpactError, match=said):
        a_training(flops=good | changes).energy_it()


@given(st.floats(0.1, 1e6), st.floats(1e-3, 10), st.floats(1, 1e9))
def test_the_parts_make_the_whole(kwh: float, wh: float, queries: float) -> None:
    found = lifetime(
        Quantity.between(kwh, 0.9 * kwh, 1.2 * kwh, "kWh"),
        Quantity.between(wh, 0.8 * wh, 1.1 * wh, "Wh/query"),
        Quantity.exact(queries, "query"),
    )
    inference_kwh = wh * queries / 1000
    assert found.total.bounds()[1] == pytest.approx(kwh + inference_kwh)
    low, share, high = found.training_share.bounds()
    assert share == pytest.approx(100 * kwh / (kwh + inference_kwh))
    inner = 100 * 1.1 * kwh / (1.1 * kwh + 0.9 * inference_kwh)
    assert low <= inner <= high
    assert found.break_even.bounds()[1] * wh == pytest.approx(1000 * kwh)


def test_no_number_of_queries_pays_where_the_models_are_not_told_apart() -> None:
    old = Quantity.between(0.5, 0.4, 0.6, "Wh/query")
    new = Quantity.between(0.45, 0.4, 0.5, "Wh/query")
    found = queries_to_save(Quantity.exact(100, "kWh"), old, new)
    assert (found.value, found.reason) == (None, Reason.NO_BREAK_EVEN)
    assert "does not surely take less" in found.detail


def test_a_query_whose_energy_nobody_measured_leaves_training() -> None:
    missing = Quantity.missing("J/query", Reason.NO_METER)
    found = lifetime(Quantity.exact(100, "kWh"), missing, Quantity.exact(1e6, "query"))
    assert found.training.bounds()[1] == 100
    for quantity in (found.inference, found.total, found.training_share, found.break_even):
        assert quantity.reason is Reason.NO_METER
