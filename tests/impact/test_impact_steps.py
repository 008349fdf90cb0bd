"""The steps from joules to impact: linear, monotone, the same in any unit, and inclusive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.errors import ImpactError
from wattmark.factors import Factor
from wattmark.impact import Impact, Place, Use, assess
from wattmark.impact.amounts import parse_count, parse_energy, parse_price, parse_volume
from wattmark.quantities import Quantity, Reason
from wattmark.reports.impact_table import lines_table

POSITIVE = st.floats(1e-6, 1e6)
ENERGY_LINES = (
    "energy_facility",
    "carbon_location",
    "carbon_market",
    "water_on_site",
    "water_off_site",
    "water_total",
    "adpe_electricity",
    "primary_electricity",
    "cost_electricity",
)


def a_place(pue: float = 1.2, low: float = 1.0, high: float = 1.5, **changes: Factor) -> Place:
    factors = {
        "pue": Factor.of("PUE", pue, "1", low=low, high=high),
        "carbon": Factor.of("carbon", 0.4, "kg/kWh", low=0.3, high=0.5),
        "water": Factor.of("water", 3.0, "L/kWh", low=2.0, high=4.0),
        "adpe": Factor.of("adpe", 5e-8, "kgSb/kWh"),
        "primary_energy": Factor.of("primary", 10.0, "MJ/kWh"),
        "wue_site": Factor.of("wue", 0.2, "L/kWh"),
        "market_carbon": Factor.of("contract", 0.05, "kg/kWh"),
        "price": Factor.of("price", 0.25, "EUR/kWh"),
    }
    return Place(name="here", **(factors | changes))


def a_use(energy: Quantity) -> Use:
    return Use("x", energy, Quantity.exact(0.5, "s/query"), "query")


def values(impact: Impact) -> dict[str, float]:
    return {key: impact.line(key).quantity.bounds()[1] for key in ENERGY_LINES}


@given(POSITIVE, st.floats(1.0, 1e4))
def test_impact_is_linear_and_monotone_in_energy(joules: float, times: float) -> None:
    one = values(assess(a_use(Quantity.exact(joules, "J/query")), a_place()))
    more = values(assess(a_use(Quantity.exact(joules * times, "J/query")), a_place()))
    for key, value in one.items():
        assert more[key] == pytest.approx(value * times, rel=1e-9)
        assert more[key] >= value * (1 - 1e-12)


@given(POSITIVE, st.sampled_from(["J", "kJ", "Wh", "kWh", "MWh", "mJ"]))
def test_the_unit_that_energy_is_given_in_changes_nothing(joules: float, unit: str) -> None:
    plain = Quantity.exact(joules, "J/query")
    told = values(assess(a_use(plain.to(f"{unit}/query")), a_place()))
    assert told == pytest.approx(values(assess(a_use(plain), a_place())), rel=1e-9)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_every_interval_holds_the_value_at_any_inner_point(e: float, p: float, c: float) -> None:
    wide = assess(a_use(Quantity.between(2.0, 1.0, 3.0, "J/query")), a_place())
    pue, kg = 1.0 + 0.5 * p, 0.3 + 0.2 * c
    inner = assess(
        a_use(Quantity.exact(1.0 + 2.0 * e, "J/query")),
        a_place(
            pue, pue, pue, carbon=Factor.of("c", kg, "kg/kWh"), water=Factor.of("w", 2.5, "L/kWh")
        ),
    )
    for key, value in values(inner).items():
        low, _, high = wide.line(key).quantity.bounds()
        assert low * (1 - 1e-9) <= value <= high * (1 + 1e-9), key


def test_pue_enters_once_and_never_into_water_on_site() -> None:
    impact = assess(a_use(Quantity.exact(3.6e6, "J/query")), a_place(1.5, 1.5, 1.5))
    assert impact.line("energy_facility").quantity.bounds()[1] == pytest.approx(1500)
    assert impact.line("carbon_location").quantity.bounds()[1] == pytest.approx(600)
    assert impact.line("water_on_site").quantity.bounds()[1] == pytest.approx(200)
    assert impact.line("water_total").quantity.bounds()[1] == pytest.approx(200 + 1.5 * 3000)


def test_a_missing_factor_leaves_the_other_lines() -> None:
    nowhere = Factor.missing("carbon", "kg/kWh", Reason.NO_FACTOR, "Atlantis")
    impact = assess(a_use(Quantity.exact(1.0, "J/query")), a_place(carbon=nowhere))
    carbon = impact.line("carbon_location").quantity
    assert (carbon.value, carbon.reason, carbon.detail) == (None, Reason.NO_FACTOR, "Atlantis")
    assert impact.line("water_total").quantity.known
    assert impact.line("carbon_embodied").quantity.reason is Reason.NOT_GIVEN


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (a_place(0.9, 0.9, 0.9), "pue: 0.9 is below 1"),
        (a_place(wue_site=Factor.of("w", -0.1, "L/kWh")), "wue_site: -0.1"),
        (a_place(price=Factor.of("p", -1.0, "EUR/kWh")), "price: -1"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(place: Place, field: str) -> None:
    with pytest.raises(ImpactError, match=field):
        assess(a_use(Quantity.exact(1.0, "J/query")), place)


def test_negative_energy_is_refused() -> None:
    with pytest.raises(ImpactError, match="energy: -1 J/query is below zero"):
        assess(a_use(Quantity.exact(-1.0, "J/query")), a_place())


@pytest.mark.parametrize(
    ("text", "per_year"),
    [
        ("5e6/day", 5e6 * 365),
        ("1_000 / h", 1000 * 8760),
        ("2/s", 2 * 31_536_000),
        ("10 per month", 120),
        ("7/year", 7),
    ],
)
def test_a_volume_is_read(text: str, per_year: float) -> None:
    assert parse_volume(text).to("query/year").bounds()[1] == pytest.approx(per_year)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: parse_volume("5e6"), "volume: '5e6' has no period: write 5e6/day"),
        (lambda: parse_volume("5/fortnight"), "unknown period 'fortnight'"),
        (lambda: parse_volume("lots/day"), "does not begin with a number"),
        (lambda: parse_energy("-1kWh"), "energy: '-1kWh' is below zero"),
        (lambda: parse_energy("3 kg"), "is not an amount of energy"),
        (lambda: parse_price("0.25", "kWh", "price"), "price: '0.25' is not a price such as"),
        (lambda: parse_price("3GBP/h", "h", "instance_price"), "instance_price: '3GBP/h'"),
        (lambda: parse_count("h100:many"), "device: 'h100:many'"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_field(call, said) -> None:
    with pytest.raises(ImpactError, match=said.replace("(", r"\(")):
        call()


@given(st.floats(0.001, 1e9), st.sampled_from(["Wh", "kWh", "MWh", "J", "kJ"]))
def test_an_amount_of_energy_is_read_as_written(value: float, unit: str) -> None:
    assert parse_energy(f"{value}{unit}") == Quantity.exact(value, unit)


def test_a_token_takes_what_a_query_takes_over_its_tokens() -> None:
    use = Use(
        "x",
        Quantity.exact(3600.0, "J/query"),
        Quantity.exact(0.5, "s/query"),
        "query",
        Quantity.exact(50.0, "token/query"),
    )
    header, rows = lines_table(assess(use, a_place()), Quantity.exact(10.0, "query/year"))
    assert header == ["", "per query", "per 1 000 queries", "per output token", "per year"]
    assert rows[0][1:] == ["1 Wh", "1 kWh", "20 mWh/token", "10 Wh"]
