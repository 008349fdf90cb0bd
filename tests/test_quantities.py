"""Units, intervals and missing values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from wattmark.errors import UnitError
from wattmark.quantities import Grade, Quantity, Reason, conversion_factor, least_trusted

finite = st.floats(-1e6, 1e6)


@st.composite
def quantities(draw: st.DrawFn, positive: bool = False, unit: str = "J") -> Quantity:
    ends = st.floats(1e-3, 1e6) if positive else finite
    low, value, high = sorted(draw(st.tuples(ends, ends, ends)))
    return Quantity.between(value, low, high, unit, level=0.95)


def inside(quantity: Quantity, value: float) -> bool:
    low, _, high = quantity.bounds()
    slack = 1e-9 * max(1.0, abs(low), abs(high))
    return low - slack <= value <= high + slack


@settings(derandomize=True, deadline=None)
@given(quantities(), quantities(), st.floats(0, 1), st.floats(0, 1))
def test_arithmetic_covers_every_pair_of_values_within_the_intervals(
    a: Quantity, b: Quantity, s: float, t: float
) -> None:
    x = a.bounds()[0] + s * (a.bounds()[2] - a.bounds()[0])
    y = b.bounds()[0] + t * (b.bounds()[2] - b.bounds()[0])

    assert inside(a + b, x + y)
    assert inside(a - b, x - y)
    assert inside(a * b, x * y)


@settings(derandomize=True, deadline=None)
@given(quantities(), quantities(positive=True, unit="query"), st.floats(0, 1), st.floats(0, 1))
def test_division_covers_every_pair_of_values(a: Quantity, b: Quantity, s: float, t: float) -> None:
    x = a.bounds()[0] + s * (a.bounds()[2] - a.bounds()[0])
    y = b.bounds()[0] + t * (b.bounds()[2] - b.bounds()[0])

    ratio = a / b

    assert ratio.unit == "J/query"
    assert inside(ratio, x / y)


def test_division_by_an_interval_takes_the_far_end_for_the_low_one() -> None:
    one = Quantity.exact(1.0, "J")
    ratio = one / Quantity.between(4, 2, 8, "s")

    assert ratio.to("W").bounds() == (0.125, 0.25, 0.5)


def test_division_by_an_interval_with_zero_is_refused() -> None:
    with pytest.raises(UnitError, match="contains zero"):
        Quantity.exact(1.0, "J") / Quantity.between(1, -1, 2, "s")


def test_levels_combine_by_bonferroni_and_exact_numbers_cost_nothing() -> None:
    a = Quantity.between(2, 1, 3, "J", level=0.95)

    assert (a * a).level == pytest.approx(0.90)
    assert (a / Quantity.exact(4, "query")).level == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (3600.0, "J", "Wh", 1.0),
        (3.6, "J/query", "Wh/kquery", 1.0),
        (1.0, "kWh", "J", 3.6e6),
        (5.0, "W", "J/s", 5.0),
        (1500.0, "us", "ms", 1.5),
        (2e9, "FLOP/query", "GFLOP/query", 2.0),
        (50.0, "%", "1", 0.5),
    ],
)
def test_conversions(value: float, source: str, target: str, expected: float) -> None:
    assert Quantity.exact(value, source).to(target).value == pytest.approx(expected)


def test_intervals_overlap_where_they_share_a_value_in_whatever_unit() -> None:
    joules = Quantity.between(2.0, 1.0, 3.0, "J")
    assert joules.overlaps(Quantity.between(4000.0, 3000.0, 5000.0, "mJ"))
    assert not joules.overlaps(Quantity.between(4000.0, 3001.0, 5000.0, "mJ"))
    assert Quantity.between(4.0, 3.0, 5.0, "J").overlaps(joules)
    with pytest.raises(UnitError):
        joules.overlaps(Quantity.exact(2.0, "s"))


def test_joules_are_not_seconds() -> None:
    with pytest.raises(UnitError, match="cannot be expressed"):
        conversion_factor("J", "s")
    with pytest.raises(UnitError, match="cannot be expressed"):
        Quantity.exact(1, "J") + Quantity.exact(1, "s")
    with pytest.raises(UnitError, match="unknown unit"):
        Quantity.exact(1, "furlong")


def test_a_missing_quantity_stays_missing_with_its_reason() -> None:
    missing = Quantity.missing("J", Reason.NO_METER, "no instrument here")

    for result in (missing + Quantity.exact(1, "J"), missing / Quantity.exact(2, "query")):
        assert result.value is None
        assert result.reason is Reason.NO_METER
    assert missing.to("Wh").unit == "Wh"
    with pytest.raises(UnitError, match="no_meter"):
        missing.bounds()


def test_the_least_trusted_grade_wins() -> None:
    modelled = Quantity.exact(1, "J", Grade.MODELLED)
    counted = Quantity.exact(1, "J", Grade.COUNTED)

    assert (modelled + counted).grade is Grade.MODELLED
    assert (counted / Quantity.exact(2, "query")).grade is Grade.COUNTED
    assert least_trusted(None, None) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"value": None, "unit": "J"},
        {"value": 1.0, "unit": "J"},
        {"value": 1.0, "unit": "J", "low": 2.0, "high": 3.0, "level": 0.95},
        {"value": float("nan"), "unit": "J", "low": 0.0, "high": 1.0, "level": 0.95},
        {"value": 1.0, "unit": "J", "low": 0.0, "high": 2.0, "level": 95},
        {"value": 1.0, "unit": "J", "low": 0, "high": 2, "level": 0.9, "reason": "no_meter"},
        {"value": None, "unit": "J", "reason": "no_meter", "low": 0.0},
    ],
)
def test_there_is_no_third_state_between_known_and_missing(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Quantity.model_validate(fields)
