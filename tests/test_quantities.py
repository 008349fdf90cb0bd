"""Units, intervals and missing values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from wattmark.errors import UnitError
from wattmark.quantities import (
    Grade,
    Quantity,
    Reason,
    conversion_factor,
    least_trusted,
    sum_of_parts,
)

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


def of_one_instrument(*parts: Quantity) -> Quantity:
    return sum_of_parts(("its gain", part) for part in parts)


def of_several_instruments(*parts: Quantity) -> Quantity:
    return sum_of_parts(enumerate(parts))


@settings(derandomize=True, deadline=None)
@given(st.lists(quantities(), min_size=1, max_size=20))
def test_parts_of_one_instrument_keep_their_level_however_many_there_are(
    parts: list[Quantity],
) -> None:
    whole = of_one_instrument(*parts)

    assert whole.level == 0.95
    sums = np.array([part.bounds() for part in parts]).sum(axis=0)
    assert whole.bounds() == pytest.approx(tuple(sums), rel=1e-9, abs=1e-6)


@settings(derandomize=True, deadline=None)
@given(st.lists(quantities(), min_size=2, max_size=20), st.data())
def test_it_does_not_matter_how_the_parts_of_one_instrument_are_grouped(
    parts: list[Quantity], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(parts) - 1))
    grouped = of_one_instrument(
        of_one_instrument(*parts[:cut]), of_one_instrument(*reversed(parts[cut:]))
    )

    whole = of_one_instrument(*parts)
    assert grouped.level == whole.level
    assert grouped.bounds() == pytest.approx(whole.bounds(), rel=1e-9, abs=1e-6)


@settings(derandomize=True, deadline=None)
@given(st.lists(quantities(), min_size=1, max_size=20))
def test_every_further_instrument_costs_what_it_may_miss(parts: list[Quantity]) -> None:
    whole = of_several_instruments(*parts)

    assert whole.level == pytest.approx(max(0.0, 1.0 - 0.05 * len(parts)))
    assert whole.bounds() == pytest.approx(of_one_instrument(*parts).bounds(), rel=1e-9, abs=1e-6)


def test_two_domains_in_five_blocks_are_two_unknowns() -> None:
    block = Quantity.between(1.0, 0.5, 2.0, "J", level=0.95, grade=Grade.COUNTED)
    whole = sum_of_parts((domain, block) for domain in ("cpu", "dram") for _ in range(5))

    assert whole.bounds() == (5.0, 10.0, 20.0)
    assert whole.level == pytest.approx(0.90)
    assert whole.grade is Grade.COUNTED


@pytest.mark.parametrize(("instruments", "blocks"), [(1, 1), (1, 8), (3, 4)])
def test_a_sum_holds_the_truth_as_often_as_its_level_says(instruments: int, blocks: int) -> None:
    """Gains that are the same in all blocks; instruments that miss at other times than each other,
    which is the worst that Bonferroni's inequality allows for."""
    draw, tries = np.random.default_rng(7), 800
    rank = (draw.random(tries)[:, None] + np.arange(instruments) / instruments) % 1.0
    gains = 0.8 + 0.4 * rank  # uniform; reading / truth
    low_gain, high_gain = 0.8, 0.8 + 0.4 * 0.95  # holds 95 % of them
    truth = draw.uniform(1.0, 3.0, (tries, instruments, blocks))
    held = 0
    for gain, joules in zip(gains, truth, strict=True):
        parts = (
            (of, Quantity.between(shown, shown / high_gain, shown / low_gain, "J"))
            for of in range(instruments)
            for shown in gain[of] * joules[of]
        )
        whole = sum_of_parts(parts)
        held += whole.low <= joules.sum() <= whole.high  # type: ignore[operator]

    assert whole.level == pytest.approx(1.0 - 0.05 * instruments)
    assert held / tries >= (whole.level or 1.0) - 0.03
    if instruments == 1:  # the level is no cautious bound, it is what there is
        assert held / tries == pytest.approx(0.95, abs=0.03)


def test_the_lowest_level_and_the_weakest_grade_are_those_of_the_sum() -> None:
    sure = Quantity.between(2.0, 1.0, 3.0, "J", level=0.99, grade=Grade.METERED)
    unsure = Quantity.between(2.0, 1.0, 3.0, "kJ", level=0.9, grade=Grade.MODELLED)

    assert of_one_instrument(sure, unsure) == Quantity.between(
        2002.0, 1001.0, 3003.0, "J", level=0.9, grade=Grade.MODELLED
    )


def test_the_first_missing_part_makes_the_sum_missing() -> None:
    lost = Quantity.missing("J", Reason.SENSOR_LOST, "the cable was pulled")
    later = Quantity.missing("J", Reason.READ_FAILED)

    assert of_one_instrument(Quantity.exact(1.0, "J"), lost, later) == lost
    assert of_several_instruments(Quantity.exact(1.0, "J"), lost, later) == lost
    assert of_one_instrument(Quantity.exact(1.0, "Wh"), lost).unit == "Wh"


def test_nothing_has_no_sum() -> None:
    with pytest.raises(UnitError, match="no part"):
        sum_of_parts([])
