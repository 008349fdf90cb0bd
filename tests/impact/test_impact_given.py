"""What people give of a site and of a training, and what becomes of it."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from wattmark.errors import ImpactError
from wattmark.impact import training
from wattmark.impact.lifetime import lifetime, queries_to_match, queries_to_save
from wattmark.impact.site import OwnDevice, Range, Site, factor
from wattmark.impact.training_file import Training
from wattmark.quantities import Grade, Quantity, Reason


def q(value: float, unit: str = "1") -> Quantity:
    return Quantity.exact(value, unit)


def span(low: float, value: float, high: float, unit: str, **more: Grade) -> Quantity:
    return Quantity.between(value, low, high, unit, **more)


def test_a_range_may_be_a_point_but_not_turned_round() -> None:
    assert Range(value=1, low=1, high=1).value == 1
    for low, high in ((1.1, 2.0), (0.0, 0.9)):
        with pytest.raises(ValidationError, match="not within"):
            Range(value=1, low=low, high=high)


def test_what_is_given_is_taken_to_the_unit_of_the_factor() -> None:
    assert factor("lifetime", "year", 4.0).quantity == q(4.0, "year")
    grams = factor("carbon", "kg/kWh", Range(value=400, low=300, high=500), scale=1e-3)
    assert grams.quantity.bounds() == pytest.approx((0.3, 0.4, 0.5))
    assert factor("carbon", "kg/kWh", 400.0, scale=1e-3).quantity.value == pytest.approx(0.4)


def test_a_device_of_ones_own_is_one_unless_said() -> None:
    fields = {"name": "mine", "carbon_kg": 100.0, "lifetime_years": 4.0}
    assert OwnDevice(**fields).count == 1
    assert OwnDevice(**fields, count=3).count == 3
    with pytest.raises(ValidationError, match="count"):
        OwnDevice(**fields, count=0)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([1, 2], "my.yaml: a site is a mapping of fields"),
        ({"colour": "red", "pue": 1.1}, "my.yaml: unknown key 'colour'; known: name, region"),
        ({"pue": "much"}, "my.yaml: pue: "),
        ({"pue": math.inf}, "my.yaml: pue"),
        ({"pue": {"value": 1.5, "low": 1.6, "high": 2.0}}, "my.yaml: pue: Value error, 1.5 is not"),
        ({"pue": {"value": 1.5, "low": 1.4, "high": math.inf}}, "my.yaml: pue"),
        (
            {"devices": [{"name": "x", "carbon_kg": math.nan, "lifetime_years": 4}]},
            "my.yaml: devices",
        ),
    ],
)
def test_a_site_that_cannot_be_is_refused_by_its_field(document: object, said: str) -> None:
    with pytest.raises(ImpactError) as told:
        Site.parse(document, "my.yaml")
    assert said in str(told.value)


def test_what_is_given_beside_a_site_stands_over_what_it_says() -> None:
    site = Site.parse({"region": "FR", "pue": 1.2, "devices": ["h100:8"]}, "my.yaml")
    found = site.with_(pue=1.0, region=None, devices=(), share=0.5)
    assert (found.pue, found.region, found.devices, found.share) == (1.0, "FR", ("h100:8",), 0.5)


PEAK = {"peak_flop_per_s": 1e15, "mfu": 0.5, "power_w": 500.0}


def test_operations_are_six_for_each_parameter_and_token() -> None:
    assert training.training_flop(q(2.0), q(5.0, "token")) == q(60.0, "FLOP")
    assert training.training_flop(q(0.0), q(0.0)).value == 0.0
    counted = Training.parse({"flops": {"parameters": 2e9, "tokens": 5e9, **PEAK}}, "t")
    assert counted.flop() == q(6e19, "FLOP")
    told = Training.parse({"flops": {"flop": 6e19, **PEAK}}, "t")
    assert told.flop() == q(6e19, "FLOP")
    # 6e19 / (1e15 / s x 0.5) = 120 000 s at 500 W
    assert told.energy_it().to("J").value == pytest.approx(6e7)
    assert told.energy_it().grade is Grade.MODELLED
    with pytest.raises(ImpactError, match="a count is without unit, not in kg"):
        training.training_flop(q(2.0, "kg"), q(5.0))
    for one, other in ((-1.0, 1.0), (1.0, -1.0)):
        with pytest.raises(ImpactError, match="below zero"):
            training.training_flop(q(one), q(other))


def test_a_device_may_be_used_to_the_full_but_not_beyond_and_not_at_all() -> None:
    full = training.from_flop(q(7.2e18, "FLOP"), q(1e15, "FLOP/s"), q(1.0), q(500.0, "W"))
    assert full.to("kWh").value == pytest.approx(1.0)
    for mfu in (0.0, 1.01):
        with pytest.raises(ImpactError, match="mfu"):
            training.from_flop(q(1.0, "FLOP"), q(1.0, "FLOP/s"), q(mfu), q(1.0, "W"))
    for hours, devices, power in ((0, 1, 1), (1, 0, 1), (1, 1, 0)):
        with pytest.raises(ImpactError, match="not greater than zero"):
            training.from_hardware(q(hours, "h"), q(devices), q(power, "W"))
    one = training.from_hardware(q(2.0, "h"), q(3.0), q(500.0, "W"))
    assert (one.to("kWh").value, one.grade) == (pytest.approx(3.0), Grade.MODELLED)


def test_a_training_without_a_pue_is_that_of_its_machines() -> None:
    found = Training.parse({"measured": {"energy_kwh": 5.0, "grade": "metered"}}, "t")
    assert found.energy_facility().bounds() == found.energy_it().bounds() == (5.0, 5.0, 5.0)
    with pytest.raises(ImpactError, match="not given by its operations"):
        found.flop()
    nothing = Training.parse({"measured": {"energy_kwh": 0.0, "grade": "metered"}}, "t")
    assert nothing.energy_it().value == 0.0


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (7, "t: a training is a mapping"),
        ({"flops": {"flop": 1, "parameters": 1, "tokens": 1, **PEAK}}, "give flop, or parameters"),
        ({"flops": PEAK}, "give flop, or parameters"),
        (
            {
                "measured": {"energy_kwh": 1, "grade": "metered"},
                "hardware": {"hours": 1, "devices": 1, "power_w": 1},
            },
            "t: training: Value error, give exactly one of measured, hardware, flops",
        ),
        ({"measured": {"energy_kwh": math.inf, "grade": "metered"}}, "t: measured.energy_kwh"),
        ({"measured": {"energy_kwh": 1, "grade": "guessed"}}, "t: measured.grade"),
    ],
)
def test_a_training_is_given_in_one_way_only(document: object, said: str) -> None:
    with pytest.raises(ImpactError) as told:
        Training.parse(document, "t")
    assert said in str(told.value)


@pytest.mark.parametrize("given", [-1.0, {"value": 1.0, "low": -0.5, "high": 2.0}])
def test_a_measured_energy_is_not_below_zero(given: object) -> None:
    found = Training.parse({"measured": {"energy_kwh": given, "grade": "metered"}}, "t")
    with pytest.raises(ImpactError, match=r"energy: .* is below zero"):
        found.energy_it()


def test_a_life_by_hand() -> None:
    found = lifetime(
        span(80, 100, 120, "kWh", grade=Grade.MODELLED),
        span(0.5, 1.0, 2.0, "Wh/query", grade=Grade.METERED),
        q(3e5, "query"),
    )
    assert found.inference.bounds() == pytest.approx((150, 300, 600))
    assert found.total.bounds() == pytest.approx((230, 400, 720))
    assert found.training_share.bounds() == pytest.approx(
        (100 * 80 / 680, 25.0, 100 * 120 / 270)  # most of one with least of the other
    )
    assert found.training_share.level == pytest.approx(0.90)
    assert found.training_share.grade is Grade.MODELLED
    assert found.break_even.bounds() == pytest.approx((40_000, 100_000, 240_000))
    assert (found.training.unit, found.per_query.unit) == ("kWh", "Wh/query")


def test_a_share_of_what_may_be_nothing_is_not_told() -> None:
    found = lifetime(span(0, 1, 2, "kWh"), span(0, 1, 2, "Wh/query"), q(1000, "query"))
    assert found.training_share.reason is Reason.NO_BREAK_EVEN
    surely = lifetime(span(1, 1, 2, "kWh"), span(0, 1, 2, "Wh/query"), q(1000, "query"))
    assert surely.training_share.bounds() == pytest.approx((100 / 3, 50.0, 100.0))


def test_levels_that_leave_nothing_leave_zero() -> None:
    poor = Quantity.between(2, 1, 3, "kWh", level=0.4)
    found = lifetime(poor, Quantity.between(2, 1, 3, "Wh/query", level=0.4), q(1000, "query"))
    assert found.training_share.level == 0.0


@pytest.mark.parametrize("low", [0.0, -0.1])
def test_a_query_that_may_take_nothing_matches_no_training(low: float) -> None:
    found = queries_to_match(q(100, "kWh"), span(low, 0.5, 1.0, "Wh/query"))
    assert (found.reason, found.unit) == (Reason.NO_BREAK_EVEN, "query")
    assert "may be zero" in found.detail


def test_a_training_that_nobody_measured_leaves_inference() -> None:
    lost = Quantity.missing("kWh", Reason.SENSOR_LOST, "unplugged")
    found = lifetime(lost, q(1.0, "Wh/query"), q(1000, "query"))
    assert found.inference.value == pytest.approx(1.0)
    for quantity in (found.training, found.total, found.training_share, found.break_even):
        assert (quantity.reason, quantity.detail) == (Reason.SENSOR_LOST, "unplugged")
    saved = queries_to_save(lost, q(2, "Wh/query"), q(1, "Wh/query"))
    assert saved.reason is Reason.SENSOR_LOST


def test_energies_below_zero_are_refused() -> None:
    with pytest.raises(ImpactError, match="training: -1"):
        lifetime(q(-1, "kWh"), q(1, "Wh/query"), q(1, "query"))
    with pytest.raises(ImpactError, match="inference: -1"):
        lifetime(q(1, "kWh"), q(-1, "Wh/query"), q(1, "query"))
