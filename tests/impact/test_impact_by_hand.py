"""All lines of one use at one place, by hand, and the limits of what may go in."""

from __future__ import annotations

import pytest

from wattmark.errors import ImpactError
from wattmark.factors import Factor
from wattmark.factors.devices import Device
from wattmark.impact import Place, Placed, Use, assess, steps
from wattmark.impact.amounts import (
    in_a_year,
    is_energy,
    parse_count,
    parse_energy,
    parse_price,
    parse_volume,
)
from wattmark.quantities import Quantity, Reason


def q(value: float, unit: str = "1") -> Quantity:
    return Quantity.exact(value, unit)


def device(carbon_kg: float) -> Device:
    """Minerals and primary energy in proportion to its carbon."""
    return Device(
        "card",
        "accelerator",
        carbon=Factor.of("carbon", carbon_kg, "kg"),
        adpe=Factor.of("adpe", 1e-4 * carbon_kg, "kgSb"),
        primary_energy=Factor.of("primary energy", 5.0 * carbon_kg, "MJ"),
        lifetime=Factor.of("lifetime", 99.0, "year"),  # the place says otherwise
    )


def years(number: float) -> Factor:
    return Factor.of("lifetime", number, "year")


PLACE = Place(
    name="here",
    pue=Factor.of("PUE", 1.5, "1"),
    carbon=Factor.of("carbon", 0.4, "kg/kWh"),
    water=Factor.of("water", 3.0, "L/kWh"),
    adpe=Factor.of("adpe", 5e-8, "kgSb/kWh"),
    primary_energy=Factor.of("primary energy", 10.0, "MJ/kWh"),
    wue_site=Factor.of("WUE", 0.2, "L/kWh"),
    market_carbon=Factor.of("contract", 0.05, "kg/kWh"),
    price=Factor.of("price", 0.25, "EUR/kWh"),
    instance_price=Factor.of("instance", 3.0, "USD/h"),
    devices=(Placed(device(1000.0), 2, years(4.0)), Placed(device(500.0), 1, years(2.0))),
    share=Factor.of("share", 0.5, "1"),
    utilisation=Factor.of("utilisation", 0.25, "1"),
)

# One query: 1 kWh, 1.5 kWh with the building. Its 8.76 h are 1 / 1000 of four years of which a
# quarter is used, 1 / 500 of two such years; half of the machine was reserved:
# 2 x 1000 kg x 0.001 x 0.5 + 500 kg x 0.002 x 0.5 = 1.5 kg.
BY_HAND = {
    "energy_it": (1000.0, "Wh"),
    "energy_facility": (1500.0, "Wh"),
    "carbon_location": (600.0, "g"),
    "carbon_market": (75.0, "g"),
    "carbon_embodied": (1500.0, "g"),
    "carbon_total": (2100.0, "g"),
    "water_on_site": (200.0, "mL"),
    "water_off_site": (4500.0, "mL"),
    "water_total": (4700.0, "mL"),
    "adpe_electricity": (0.075, "mgSb"),
    "adpe_embodied": (150.0, "mgSb"),
    "primary_electricity": (15.0, "MJ"),
    "primary_embodied": (7.5, "MJ"),
    "cost_electricity": (0.375, "EUR"),
    "cost_instance": (13.14, "USD"),
}


@pytest.mark.parametrize("per", ["query", ""])
def test_every_line_of_a_use_by_hand(per: str) -> None:
    suffix = f"/{per}" if per else ""
    use = Use("it", q(3.6e6, f"J{suffix}"), q(8.76, f"h{suffix}"), per)
    found = assess(use, PLACE)
    assert [line.key for line in found.lines] == list(BY_HAND)
    for key, (value, unit) in BY_HAND.items():
        line = found.line(key)
        assert line.quantity.unit == unit + suffix, key
        assert line.quantity.value == pytest.approx(value), key
    with pytest.raises(KeyError, match="carbon_of_cats"):
        found.line("carbon_of_cats")


def test_what_was_made_names_its_devices_lifetimes_and_shares() -> None:
    found = assess(Use("it", q(1.0, "J"), q(1.0, "s")), PLACE)
    named = [factor.name for factor in found.line("carbon_embodied").factors]
    assert named == ["carbon", "lifetime", "carbon", "lifetime", "share", "utilisation"]


def test_what_a_place_does_not_say_is_missing_but_the_whole_machine_is_taken() -> None:
    bare = Place("here", PLACE.pue, PLACE.carbon, PLACE.water, PLACE.adpe, PLACE.primary_energy)
    assert bare.share.quantity == bare.utilisation.quantity == q(1.0)
    found = assess(Use("it", q(3600.0, "J"), q(1.0, "h")), bare)
    unknown = {line.key for line in found.lines if line.quantity.reason is Reason.NOT_GIVEN}
    assert unknown == {
        "carbon_market",
        "carbon_embodied",
        "carbon_total",
        "water_on_site",
        "water_total",
        "adpe_embodied",
        "primary_embodied",
        "cost_electricity",
        "cost_instance",
    }
    assert found.line("carbon_embodied").factors == ()


def made(**changes: Quantity) -> float | None:
    given = {
        "total": q(1000.0, "kg"),
        "time": q(1.0, "year"),
        "lifetime": q(4.0, "year"),
        "share": q(1.0),
        "utilisation": q(1.0),
    } | changes
    return steps.embodied(
        given.pop("total"), given.pop("time"), given.pop("lifetime"), **given
    ).value


def test_the_ends_of_what_may_be_are_taken() -> None:
    assert made() == pytest.approx(250_000.0)  # g
    assert made(share=q(0.0)) == made(time=q(0.0, "s")) == made(total=q(0.0, "kg")) == 0.0
    assert steps.facility_energy(q(0.0, "J"), q(1.0)) == q(0.0, "J")
    assert steps.emissions(q(1.0, "kWh"), q(0.0, "kg/kWh")).value == 0.0
    assert steps.instance_cost(q(0.0, "h"), q(0.0, "USD/h"), q(1.0)).value == 0.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"total": q(-1.0, "kg")}, "embodied: -1 kg is below zero"),
        ({"time": q(-1.0, "s")}, "time: -1 s is below zero"),
        ({"share": q(-0.1)}, "share: -0.1 is not a share"),
        ({"share": q(1.1)}, "share: 1.1 is not a share"),
        ({"share": Quantity.between(0.9, 0.8, 1.1, "1")}, "share: 0.9 is not a share"),
        ({"share": Quantity.between(0.1, -0.1, 0.2, "1")}, "share: 0.1 is not a share"),
        ({"utilisation": q(1.1)}, "utilisation: 1.1 is not a share"),
        ({"utilisation": q(0.0)}, "utilisation: 0 1 is not greater than zero"),
        ({"lifetime": q(0.0, "year")}, "lifetime: 0 year is not greater than zero"),
        ({"lifetime": Quantity.between(1, -1, 2, "year")}, "lifetime: -1 year is not greater"),
    ],
)
def test_a_making_that_cannot_be_is_refused(changes: dict[str, Quantity], said: str) -> None:
    with pytest.raises(ImpactError, match=said):
        made(**changes)


def test_the_low_end_of_an_interval_is_judged_too() -> None:
    doubtful = Quantity.between(1.1, 0.99, 1.2, "1")
    with pytest.raises(ImpactError, match=r"pue: 0\.99 is below 1"):
        steps.facility_energy(q(1.0, "J"), doubtful)
    with pytest.raises(ImpactError, match=r"price: -0\.5"):
        steps.electricity_cost(q(1.0, "kWh"), Quantity.between(1.0, -0.5, 2.0, "EUR/kWh"))


@pytest.mark.parametrize(
    "call",
    [
        lambda: steps.emissions(q(1, "kWh"), q(-1, "kg/kWh")),
        lambda: steps.water_on_site(q(-1, "kWh"), q(1, "L/kWh")),
        lambda: steps.water_on_site(q(1, "kWh"), q(-1, "L/kWh")),
        lambda: steps.water_off_site(q(1, "kWh"), q(-1, "L/kWh")),
        lambda: steps.resources(q(1, "kWh"), q(-1, "MJ/kWh")),
        lambda: steps.instance_cost(q(-1, "h"), q(1, "USD/h"), q(1)),
        lambda: steps.instance_cost(q(1, "h"), q(-1, "USD/h"), q(1)),
        lambda: steps.instance_cost(q(1, "h"), q(1, "USD/h"), q(2)),
    ],
)
def test_nothing_below_zero_goes_in(call) -> None:
    with pytest.raises(ImpactError, match=r"below zero|not a share"):
        call()


def test_volumes_energies_and_prices_begin_at_zero() -> None:
    assert parse_volume("0/day").value == 0.0
    assert parse_energy("0 kWh") == q(0.0, "kWh")
    assert parse_price("0 EUR/kWh", "kWh", "price") == q(0.0, "EUR/kWh")
    with pytest.raises(ImpactError, match="volume: '-1/day' is below zero"):
        parse_volume("-1/day")
    with pytest.raises(ImpactError, match="price: '-1 EUR' is below zero"):
        parse_price("-1 EUR", "kWh", "price")


def test_the_queries_of_a_year() -> None:
    assert in_a_year(parse_volume("5/day")) == q(5 * 365.0, "query")
    assert parse_volume("3/mo").to("query/year").value == pytest.approx(36.0)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1_000.5kWh", q(1000.5, "kWh")),
        (" .5 J ", q(0.5, "J")),
        ("1e-3 MWh", q(0.001, "MWh")),
        ("+2 mWh", q(2.0, "mWh")),
    ],
)
def test_numbers_as_people_write_them(text: str, read: Quantity) -> None:
    assert parse_energy(text) == read
    assert is_energy(text)


@pytest.mark.parametrize("text", ["kWh", "3", "3 kg", "3/day", "h100:8", "1e999kWh"])
def test_what_is_no_amount_of_energy(text: str) -> None:
    assert is_energy(text) is (text in ("3 kg", "1e999kWh"))  # meant as an amount, and wrong
    with pytest.raises(ImpactError, match="energy"):
        parse_energy(text)


@pytest.mark.parametrize("text", ["0.25EUR", "0.25 eur/kwh", "0.25 EUR/kWh"])
def test_a_price_is_per_what_it_is_asked_for(text: str) -> None:
    assert parse_price(text, "kWh", "price") == q(0.25, "EUR/kWh")
    assert parse_price("3 USD", "h", "instance_price") == q(3.0, "USD/h")


def test_a_device_without_a_count_is_one() -> None:
    assert parse_count("h100") == ("h100", 1)
    assert parse_count("h100:8") == ("h100", 8)
    for text in ("", ":8", "h100:0", "h100:-1"):
        with pytest.raises(ImpactError, match="is not a name and a count"):
            parse_count(text)
