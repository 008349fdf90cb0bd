"""Grids, clouds and devices from the tables as installed, and places by their names."""

from __future__ import annotations

import pytest

from wattmark.errors import MissingPackageError, UnknownNameError
from wattmark.factors import packaged
from wattmark.factors.clouds import cloud, cloud_grid, providers, zones
from wattmark.factors.devices import accelerator_called, device, device_names
from wattmark.factors.grid import ONE_SOURCE_SPREAD, grid
from wattmark.factors.packaged import CODECARBON, ECOLOGITS, read_json
from wattmark.factors.zones import find_zone
from wattmark.quantities import Reason


@pytest.mark.parametrize(
    ("text", "code", "country", "part"),
    [
        ("FR", "FR", "FRA", ""),
        ("fra", "FR", "FRA", ""),
        ("france", "FR", "FRA", ""),
        (" United States ", "US", "USA", ""),
        ("us-ca", "US-CA", "USA", "US-CA"),
        ("SE3", "SE3", "SWE", "SE3"),
        ("CN-BJ", "CN-BJ", "CHN", "CN-BJ"),
        ("World", "WORLD", "WOR", ""),
    ],
)
def test_a_place_by_its_code_or_name(text: str, code: str, country: str, part: str) -> None:
    zone = find_zone(text)
    assert (zone.code, zone.country, zone.part) == (code, country, part)


@pytest.mark.parametrize(
    ("text", "near"), [("Frnace", "France"), ("Germny", "Germany"), ("Atlantis", "Atlantis")]
)
def test_an_unknown_place_is_answered_with_the_nearest_names(text: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match="unknown region") as raised:
        find_zone(text)
    assert near in (*raised.value.nearest, raised.value.name)


def test_a_country_in_both_tables_spans_both() -> None:
    found = grid(find_zone("DE")).carbon
    mixes = read_json(ECOLOGITS, "data/electricity_mixes.json")["electricity_mixes"]
    ours = next(m["gwp"] for m in mixes if m["name"] == "DEU")
    theirs = read_json(CODECARBON, "data/private_infra/global_energy_mix.json")["DEU"]
    low, value, high = found.quantity.bounds()
    other = theirs["carbon_intensity"] / 1000
    assert (low, value, high) == (min(ours, other), ours, max(ours, other))
    assert [s.licence for s in found.sources] == ["MPL-2.0", "MIT"]
    assert found.sources[1].year == theirs["year"]


def test_a_state_has_its_own_carbon_in_kg_per_kwh_and_the_countrys_water() -> None:
    state, country = grid(find_zone("US-CA")), grid(find_zone("US"))
    table = read_json(CODECARBON, "data/private_infra/2023/usa_emissions.json")
    pounds = next(e["emissions"] for e in table.values() if e.get("regionCode") == "CA")
    low, value, high = state.carbon.quantity.bounds()
    assert value == pytest.approx(pounds * 0.45359237 / 1000)
    assert (high / value, value / low) == pytest.approx((ONE_SOURCE_SPREAD,) * 2)
    assert state.carbon.sources[0].year == 2023
    assert state.water.quantity.value == country.water.quantity.value
    assert state.of_whole_country == ("water", "minerals", "primary energy")


def test_a_worldwide_average_that_stands_in_for_a_country_says_so() -> None:
    assert "world's average" in grid(find_zone("AF")).water.note
    assert "one source" in grid(find_zone("FR")).water.note


def test_every_country_of_iso_has_a_grid_or_a_reason() -> None:
    import pycountry

    known = 0
    for country in pycountry.countries:
        found = grid(find_zone(country.alpha_2))
        for factor in (found.carbon, found.water, found.adpe, found.primary_energy):
            assert factor.quantity.known or factor.quantity.reason is Reason.NO_FACTOR
        known += found.carbon.quantity.known
    assert known > 200


def test_without_the_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    read_json.cache_clear()
    with pytest.raises(MissingPackageError, match=r"pip install 'wattmark\[impact\]'"):
        grid(find_zone("FR"))


def test_every_zone_of_every_provider_has_a_grid() -> None:
    assert providers() == ("aws", "azure", "gcp")
    for provider in providers():
        assert len(zones(provider)) >= 30
        for zone in zones(provider):
            assert cloud_grid(provider, zone).carbon.quantity.known
        low, value, high = cloud(provider).pue.quantity.bounds()
        assert 1 <= low <= value <= high < 1.3
        assert 0 < cloud(provider).wue_site.quantity.bounds()[1] < 1.5


def test_googles_zone_has_googles_figure_within_a_range_of_the_countrys() -> None:
    found = cloud_grid("gcp", "europe-west9").carbon
    france = grid(find_zone("FR")).carbon.quantity
    assert "Google" in found.sources[0].title
    low, value, high = found.quantity.bounds()
    assert low <= value <= high
    assert low <= france.bounds()[0] and high >= france.bounds()[2]


def test_an_unknown_provider_or_zone_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown cloud provider 'gpc': did you mean 'gcp'"):
        cloud("gpc")
    with pytest.raises(UnknownNameError, match="europe-west9"):
        cloud_grid("gcp", "europe-west99")


def test_every_figure_of_every_device_has_a_source_and_a_sane_range() -> None:
    for name in device_names():
        found = device(name)
        for factor in (found.carbon, found.adpe, found.primary_energy, found.lifetime):
            if factor.quantity.known:
                low, value, high = factor.quantity.bounds()
                assert 0 < low <= value <= high, factor.name
                assert factor.sources, factor.name
    assert device("b200").adpe.quantity.reason is Reason.NO_FACTOR


@pytest.mark.parametrize(
    ("product", "name"),
    [("NVIDIA H100 80GB HBM3", "h100"), ("NVIDIA A100-SXM4-40GB", "a100"), ("Tesla T4", "gpu")],
)
def test_a_gpu_is_recognised_by_what_it_calls_itself(product: str, name: str) -> None:
    assert accelerator_called(product) == name


def test_an_unknown_device_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'h100'"):
        device("h1000")
