"""Amounts as people type them: understood, or refused for what is wrong with them."""

from __future__ import annotations

import pytest

from wattmark.errors import ImpactError
from wattmark.impact.amounts import (
    is_energy,
    parse_count,
    parse_energy,
    parse_price,
    parse_volume,
)
from wattmark.quantities import Quantity


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1.2kWh", 1.2, "kWh"),
        ("1.2kwh", 1.2, "kWh"),
        ("1.2 KWH", 1.2, "kWh"),
        ("1GWh", 1.0, "GWh"),
        ("3 twh", 3.0, "TWh"),
        ("300 J", 300.0, "J"),
        ("2e3j", 2000.0, "J"),
        ("1MWh", 1.0, "MWh"),
        ("1mWh", 1.0, "mWh"),
        ("5 µWh", 5.0, "uWh"),
        (".5GJ", 0.5, "GJ"),
    ],
)
def test_an_energy_is_understood(text: str, value: float, unit: str) -> None:
    assert is_energy(text)
    assert parse_energy(text) == Quantity.exact(value, unit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2kWh", "write the number with a decimal point and without separators"),
        ("1 200 kWh", "write the number with a decimal point and without separators"),
        ("1'200kWh", "write the number with a decimal point and without separators"),
        ("1mwh", "write mWh or MWh, which differ"),
        ("1kW", "not an amount of energy such as 1.2kWh"),
        ("3 kilowatt", "not an amount of energy such as 1.2kWh"),
        ("1kWh/query", "not an amount of energy such as 1.2kWh"),
        ("1e400kWh", "too large"),
        ("-1kWh", "below zero"),
    ],
)
def test_what_is_no_energy_is_refused_as_one_and_not_as_a_run(text: str, said: str) -> None:
    assert is_energy(text)
    with pytest.raises(ImpactError, match=f"^energy: .*{said}"):
        parse_energy(text)


@pytest.mark.parametrize("name", ["latest", "20260101-120000-quickstart", "20260101", "quick1"])
def test_a_run_is_no_amount(name: str) -> None:
    assert not is_energy(name)


def test_a_gigawatt_hour_is_a_thousand_megawatt_hours() -> None:
    assert parse_energy("1GWh").to("MWh").value == pytest.approx(1000)
    assert parse_energy("1TJ").to("GJ").value == pytest.approx(1000)


@pytest.mark.parametrize(
    ("text", "a_year"),
    [
        ("5/day", 1825),
        ("5 queries/Day", 1825),
        ("5 per day", 1825),
        ("5 requests per days", 1825),
        ("12/month", 144),
        ("7/week", 365),
        ("1/min", 525_600),
        ("1/s", 31_536_000),
        ("3/yr", 3),
    ],
)
def test_a_volume_is_understood(text: str, a_year: float) -> None:
    volume = parse_volume(text)
    assert (volume.unit, volume.value) == ("query/year", pytest.approx(a_year))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5", "has no period: write 5/day or /year"),
        ("1,5/day", "decimal point"),
        ("5M/day", "unknown period"),
        ("5/fortnight", "unknown period"),
        ("many/day", "does not begin with a number"),
        ("-1/day", "below zero"),
    ],
)
def test_a_volume_is_refused_for_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ImpactError, match=f"^volume: .*{said}"):
        parse_volume(text)


def test_prices_and_counts_too() -> None:
    assert parse_price("0.25 eur/kwh", "kWh", "price").unit == "EUR/kWh"
    with pytest.raises(ImpactError, match=r"price: '0,25EUR/kWh': write the number with a decimal"):
        parse_price("0,25EUR/kWh", "kWh", "price")
    for text in ("h100:²", "h100:0", "h100:-1", "h100:1.5", ":8"):
        with pytest.raises(ImpactError, match="not a name and a count"):
            parse_count(text)
