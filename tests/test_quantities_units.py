"""Every unit and its factor, and what arithmetic makes of units, intervals, levels and grades."""

from __future__ import annotations

import itertools
import math

import pytest
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

#: unit -> (its base, how many of the base it is), from the SI brochure, IEC 80000-13 (MiB) and
#: the international pound of 1959; a year has 365 days here.
UNITS = {
    "%": ("1", 0.01),
    "ms": ("s", 0.001),
    "us": ("s", 0.000001),
    "ns": ("s", 0.000000001),
    "h": ("s", 3600),
    "day": ("s", 86_400),
    "year": ("s", 31_536_000),
    "mJ": ("J", 0.001),
    "uJ": ("J", 0.000001),
    "kJ": ("J", 1000),
    "MJ": ("J", 1_000_000),
    "Wh": ("J", 3600),
    "uWh": ("J", 0.0036),
    "mWh": ("J", 3.6),
    "kWh": ("J", 3_600_000),
    "MWh": ("J", 3_600_000_000),
    "W": ("J/s", 1),
    "mW": ("J/s", 0.001),
    "kW": ("J/s", 1000),
    "kg": ("g", 1000),
    "mg": ("g", 0.001),
    "ug": ("g", 0.000001),
    "ng": ("g", 0.000000001),
    "t": ("g", 1_000_000),
    "lb": ("g", 453.59237),
    "kgSb": ("gSb", 1000),
    "mgSb": ("gSb", 0.001),
    "ugSb": ("gSb", 0.000001),
    "ngSb": ("gSb", 0.000000001),
    "mL": ("L", 0.001),
    "uL": ("L", 0.000001),
    "nL": ("L", 0.000000001),
    "m3": ("L", 1000),
    "MiB": ("B", 1_048_576),
    "GFLOP": ("FLOP", 1_000_000_000),
    "kquery": ("query", 1000),
}
BASES = ["J", "s", "g", "gSb", "L", "B", "FLOP", "query", "correct", "token", "call", "step"]
BASES += ["image", "USD", "EUR"]


def span(low: float, value: float, high: float, unit: str, level: float = 0.95) -> Quantity:
    return Quantity.between(value, low, high, unit, level=level)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_so_many_of_its_base(unit: str) -> None:
    base, factor = UNITS[unit]
    assert conversion_factor(unit, base) == pytest.approx(factor, rel=1e-12)
    assert conversion_factor(base, unit) == pytest.approx(1 / factor, rel=1e-12)
    # and so is what arithmetic makes of it, which is told in bases
    made = Quantity.exact(2.0, unit) * Quantity.exact(3.0, "1")
    assert made.value == pytest.approx(6.0 * factor, rel=1e-12)


@pytest.mark.parametrize("base", BASES)
def test_a_base_unit_stays_what_it_is_in_products_and_quotients(base: str) -> None:
    six, two = Quantity.exact(6.0, base), Quantity.exact(2.0, base)
    assert (six * Quantity.exact(2.0, "1")) == Quantity.exact(12.0, base)
    assert (Quantity.exact(6.0, "1") / two) == Quantity.exact(3.0, f"1/{base}")
    assert (six / two) == Quantity.exact(3.0, "1")
    assert (six * two).unit == f"{base}*{base}"


def test_no_base_unit_is_another() -> None:
    for one, other in itertools.permutations([*BASES, "1"], 2):
        with pytest.raises(UnitError, match="cannot be expressed"):
            conversion_factor(one, other)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("J/s*query", "query*W"),  # what follows a * is above the line again
        ("J/s/query", "W/query"),
        ("J*s/s", "J"),  # what cancels is gone
        ("W*s/1", "J"),
        ("1/s", "W/J"),
        ("L*L", "L*L"),
    ],
)
def test_a_slash_holds_for_the_one_unit_after_it(one: str, same: str) -> None:
    assert conversion_factor(one, same) == 1.0


@pytest.mark.parametrize("unit", ["L*L", "s/L", "1/L"])
def test_a_power_of_a_unit_is_not_the_unit(unit: str) -> None:
    with pytest.raises(UnitError):
        conversion_factor("L", unit)


@pytest.mark.parametrize("unit", ["", "J/", "furlong", "J//s", "/s"])
def test_what_is_no_unit_is_told(unit: str) -> None:
    with pytest.raises(UnitError, match="unknown unit"):
        conversion_factor(unit, "J")


def test_products_and_quotients_are_told_in_base_units() -> None:
    work = Quantity.exact(2.0, "kW") * Quantity.exact(3.0, "h")
    assert (work.value, work.unit) == (pytest.approx(2000 * 3 * 3600), "J")
    each = Quantity.exact(6.0, "J") / Quantity.exact(2.0, "kquery")
    assert (each.value, each.unit) == (pytest.approx(0.003), "J/query")
    rate = Quantity.exact(6.0, "query") / Quantity.exact(2.0, "ms") / Quantity.exact(1.0, "token")
    assert (rate.value, rate.unit) == (pytest.approx(3000.0), "query/s/token")


def test_a_sum_has_the_unit_of_what_comes_first() -> None:
    whole = Quantity.exact(1.0, "Wh") + Quantity.exact(3600.0, "J")
    assert (whole.value, whole.unit) == (2.0, "Wh")
    rest = Quantity.exact(1.0, "Wh") - Quantity.exact(1800.0, "J")
    assert (rest.value, rest.unit) == (0.5, "Wh")


def test_the_ends_of_an_interval_are_the_extremes_and_no_more() -> None:
    a, b = span(1, 2, 3, "J"), span(10, 20, 40, "J")
    assert (a + b).bounds() == (11, 22, 43)
    assert (a - b).bounds() == (-39, -18, -7)
    assert (a * b).bounds() == (10, 40, 120)
    assert (a / b).bounds() == (1 / 40, 0.1, 0.3)
    below = span(-3, 1, 2, "J")
    assert (below * b).bounds() == (-120, 20, 80)
    assert (below / b).bounds() == (-0.3, 0.05, 0.2)
    assert (a / span(-4, -2, -1, "J")).bounds() == (-3, -1, -0.25)


def test_a_plain_number_scales_from_both_sides_and_a_negative_one_turns_the_ends() -> None:
    a = Quantity.between(2.0, 1.0, 4.0, "Wh", level=0.9, grade=Grade.COUNTED)
    doubled = Quantity.between(4.0, 2.0, 8.0, "Wh", level=0.9, grade=Grade.COUNTED)
    assert a * 2 == 2 * a == doubled
    assert doubled / 2 == a
    assert (a * -1).bounds() == (-4.0, -2.0, -1.0)
    assert a.to("J").grade is Grade.COUNTED and a.to("J").level == 0.9


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 0.0), (-1.0, 1.0)])
def test_a_divisor_that_may_be_zero_is_refused(low: float, high: float) -> None:
    with pytest.raises(UnitError, match="contains zero"):
        Quantity.exact(1.0, "J") / span(low, (low + high) / 2, high, "s")


def test_levels_that_leave_nothing_leave_a_level_of_zero() -> None:
    poor = span(1, 2, 3, "J", level=0.4)
    assert (poor + poor).level == 0.0
    assert (poor + span(1, 2, 3, "J", level=0.8)).level == pytest.approx(0.2)
    never = span(1, 2, 3, "J", level=0.0)
    assert sum_of_parts([("gain", never), ("gain", never)]).level == 0.0
    assert Quantity.between(2, 1, 3, "J").level == 0.95
    assert Quantity.exact(2, "J").level == 1.0


@pytest.mark.parametrize(
    "operation", [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b]
)
def test_the_first_of_two_missing_quantities_gives_the_reason(operation) -> None:
    known = Quantity.exact(1.0, "J")
    first = Quantity.missing("J", Reason.SENSOR_LOST, "the cable was pulled")
    other = Quantity.missing("J", Reason.NO_METER)
    for found in (operation(first, other), operation(first, known), operation(known, first)):
        assert (found.value, found.reason) == (None, Reason.SENSOR_LOST)
        assert found.detail == "the cable was pulled"
    assert operation(other, first).reason is Reason.NO_METER


def test_a_missing_quantity_is_not_known_and_says_why_when_it_is_used() -> None:
    lost = Quantity.missing("J", Reason.SENSOR_LOST, "unplugged")
    assert Quantity.exact(0.0, "J").known and not lost.known
    assert (lost * 2).reason is Reason.SENSOR_LOST and (lost * 2).unit == "J"
    with pytest.raises(UnitError, match=r"no value to compute with: sensor_lost unplugged$"):
        lost.bounds()
    with pytest.raises(UnitError, match="sensor_lost"):
        lost.overlaps(Quantity.exact(1.0, "J"))


def test_intervals_apart_on_either_side_share_no_value() -> None:
    low, high = span(1, 2, 3, "J"), span(3.5, 4, 5, "J")
    assert not low.overlaps(high) and not high.overlaps(low)
    touching = span(3, 4, 5, "J")
    assert low.overlaps(touching) and touching.overlaps(low)
    assert low.overlaps(span(1.5, 2, 2.5, "J")) and span(1.5, 2, 2.5, "J").overlaps(low)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_level_may_be_anything_from_zero_to_one(level: float) -> None:
    assert span(1, 2, 3, "J", level=level).level == level


@pytest.mark.parametrize(
    "changes",
    [
        {"level": -0.01},
        {"level": 1.01},
        {"level": None},
        {"low": None},
        {"high": None},
        {"low": -math.inf},
        {"high": math.inf},
        {"low": 2.1},
        {"high": 1.9},
        {"reason": Reason.NO_METER},
        {"unit": "furlong"},
        {"colour": "red"},
    ],
)
def test_a_known_quantity_needs_a_whole_finite_interval_around_it(changes) -> None:
    good = {"value": 2.0, "unit": "J", "low": 1.0, "high": 3.0, "level": 0.95}
    assert Quantity.model_validate(good).known
    with pytest.raises((ValidationError, UnitError)):
        Quantity.model_validate(good | changes)


@pytest.mark.parametrize("field", ["low", "high", "level"])
def test_a_missing_quantity_has_no_part_of_an_interval(field: str) -> None:
    with pytest.raises(ValidationError, match="no interval"):
        Quantity.model_validate({"value": None, "unit": "J", "reason": "no_meter", field: 0.5})


def test_grades_are_trusted_in_the_order_in_which_they_stand() -> None:
    order = [Grade.METERED, Grade.COUNTED, Grade.MODELLED, Grade.PARAMETRIC]
    assert list(Grade) == order
    for (i, one), (j, other) in itertools.product(enumerate(order), repeat=2):
        assert least_trusted(one, other) is order[max(i, j)]
    assert least_trusted(None, Grade.COUNTED, None) is Grade.COUNTED


@pytest.mark.parametrize(
    ("former", "reason"),
    [("no_permission", Reason.PERMISSION), ("wrap_ambiguous", Reason.COUNTER_WRAPPED)],
)
def test_former_names_of_reasons_are_read(former: str, reason: Reason) -> None:
    assert Reason(former) is reason


@pytest.mark.parametrize("value", ["because", "PERMISSION", 3, None])
def test_what_is_no_reason_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Reason"):
        Reason(value)
