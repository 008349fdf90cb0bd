"""Places as people call them, parts of countries, territories and zones of clouds."""

from __future__ import annotations

import pytest

from wattmark.errors import UnknownNameError
from wattmark.factors.closed_models import estimate
from wattmark.factors.clouds import cloud_grid, zones
from wattmark.factors.grid import Grid, grid
from wattmark.factors.zones import find_zone
from wattmark.impact.site import Site
from wattmark.workflows.placing import place


def grams(found: Grid) -> tuple[float, float, float]:
    low, value, high = found.carbon.quantity.to("g/kWh").bounds()
    return low, value, high


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UK", "GB"),
        ("Great Britain", "GB"),
        ("Turkey", "TR"),
        ("turkiye", "TR"),
        ("Russia", "RU"),
        ("Czech Republic", "CZ"),
        ("Ivory Coast", "CI"),
        ("cote d'ivoire", "CI"),
        ("U.S.A.", "US"),
        ("South Korea", "KR"),
        ("Holland", "NL"),
        ("EL", "GR"),
        ("Kosovo", "XK"),
        ("xk", "XK"),
        ("quebec", "CA-QC"),
        ("Québec", "CA-QC"),
        ("California", "US-CA"),
        ("SE-SE3", "SE3"),
    ],
)
def test_a_place_is_found_by_what_it_is_commonly_called(text: str, code: str) -> None:
    assert find_zone(text).code == code


@pytest.mark.parametrize(
    ("code", "country"),
    [
        ("US-PR", "PRI"),
        ("US-GU", "GUM"),
        ("CN-HK", "HKG"),
        ("CN-TW", "TWN"),
        ("NL-AW", "ABW"),
        ("FR-974", "REU"),
        ("FR-GF", "GUF"),
        ("Puerto Rico", "PRI"),
        ("Réunion", "REU"),
    ],
)
def test_a_territory_has_its_own_grid(code: str, country: str) -> None:
    zone = find_zone(code)
    assert (zone.country, zone.part) == (country, "")
    assert grid(zone).carbon.quantity.known


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("DK9", ("DK1", "DK2")),
        ("SE7", ("SE1", "SE2", "SE3", "SE4")),
        ("FI1", ("FI",)),
        ("Limburg", ("BE-VLI", "NL-LI")),
        ("stockholm county", ("SE-AB",)),
    ],
)
def test_an_unknown_zone_is_refused_with_what_is_there(text: str, nearest: tuple[str]) -> None:
    with pytest.raises(UnknownNameError) as raised:
        find_zone(text)
    assert raised.value.nearest == nearest


@pytest.mark.parametrize("text", ["US-ZZ", "CA-QB", "DE-XX", "SE31"])
def test_what_is_offered_for_a_part_lies_in_the_same_country(text: str) -> None:
    with pytest.raises(UnknownNameError) as raised:
        find_zone(text)
    assert {name[:2] for name in raised.value.nearest} <= {text[:2]}
    assert {name[:2] for name in raised.value.known} == {text[:2]}


@pytest.mark.parametrize("text", ["ZZ", "Atlantis", "UZZ", "stockholm county", ""])
def test_no_answer_lists_hundreds_of_names(text: str) -> None:
    with pytest.raises(UnknownNameError, match=r"a part of one by ISO 3166-2 \(US-CA\)") as raised:
        find_zone(text)
    assert len(str(raised.value)) < 250


def test_quebec_is_hydro_and_not_canada() -> None:
    low, value, high = grams(grid(find_zone("CA-QC")))
    assert 1 < low < 2 and 25 < value < 35 and high < 45  # Google gives 2 for Montreal
    low, value, high = grams(grid(find_zone("CA-ON")))
    assert low < 47 < value < 120 < high  # Google gives 47 for Toronto
    assert grams(grid(find_zone("CA-AB")))[1] > 500
    assert {len(grid(find_zone(f"CA-{p}")).of_whole_country) for p in ("QC", "YT", "NU")} == {3}


@pytest.mark.parametrize(
    ("part", "published"),
    # round figures of what their power is made of: hydro, brown coal, wind, coal, hydro
    [("AU-TAS", 150.0), ("AU-VIC", 770.0), ("GB-SCT", 40.0), ("IN-CG", 1000.0), ("CN-XZ", 30.0)],
)
def test_a_part_that_no_table_has_is_its_country_with_a_range_that_holds_it(
    part: str, published: float
) -> None:
    of_part, of_country = grid(find_zone(part)), grid(find_zone(part[:2]))
    low, value, high = grams(of_part)
    assert value == grams(of_country)[1]
    assert low <= published <= high
    for factor in (of_part.carbon, of_part.water, of_part.adpe, of_part.primary_energy):
        assert factor.note.startswith("of the whole country")
    assert of_country.of_whole_country == ()


def test_a_part_is_no_dirtier_than_what_its_country_burns() -> None:
    assert grams(grid(find_zone("NO-03")))[2] < 350  # Norway burns hardly any gas, and no coal
    assert grams(grid(find_zone("SA-01")))[0] > 500  # Saudi Arabia hardly has anything else


def test_the_whole_country_is_told() -> None:
    assert "no table has its carbon, water, minerals" in place(Site(region="AU-TAS"))[1][0]
    assert "no table has its water, minerals" in place(Site(region="CA-QC"))[1][0]
    assert place(Site(region="CA"))[1] == []
    assert any("whole countries" in w for w in estimate("gpt-4o", 9, find_zone("CA-QC")).warnings)


def test_a_place_without_a_figure_says_what_to_give() -> None:
    detail = grid(find_zone("Kosovo")).carbon.quantity.detail
    assert detail == "no table has Kosovo: give grid_carbon in a site"
    assert not grid(find_zone("CF")).carbon.quantity.known  # 0 g/kWh in a table is no figure


@pytest.mark.parametrize(
    ("provider", "zone", "country", "part"),
    [
        ("gcp", "northamerica-south1", "MEX", ""),
        ("gcp", "europe-north2", "SWE", "SE3"),
        ("gcp", "me-central1", "QAT", ""),
        ("gcp", "asia-east2", "HKG", ""),
        ("gcp", "us-central1-b", "USA", "US-IA"),
        ("aws", "ap-east-2", "TWN", ""),
        ("aws", "ap-southeast-6", "NZL", ""),
        ("aws", "ap-southeast-5", "MYS", ""),
        ("aws", "us-gov-west-1", "USA", "US-OR"),
        ("aws", "us-gov-east-1", "USA", "US-OH"),
        ("aws", "us-east-1a", "USA", "US-VA"),
        ("aws", "ca-central-1", "CAN", "CA-QC"),
        ("AWS", "EU-West-3", "FRA", ""),
        ("azure", "austriaeast", "AUT", ""),
        ("azure", "East US 2", "USA", "US-VA"),
        ("azure", "canadacentral", "CAN", "CA-ON"),
    ],
)
def test_a_zone_of_a_cloud_lies_where_it_lies(
    provider: str, zone: str, country: str, part: str
) -> None:
    found = cloud_grid(provider, zone).zone
    assert (found.country, found.part) == (country, part)


def test_a_zone_in_a_country_takes_in_what_google_says_there() -> None:
    low, value, high = grams(cloud_grid("aws", "ap-southeast-2"))
    assert value == grams(grid(find_zone("AU")))[1]
    assert low < 457 and high > 501  # Melbourne and Sydney
    assert cloud_grid("azure", "australiaeast").carbon.note.startswith("of the country that the")


def test_an_unknown_zone_says_where_the_offered_ones_lie_and_offers_a_region() -> None:
    with pytest.raises(UnknownNameError) as raised:
        cloud_grid("gcp", "northamerica-south7")
    said = str(raised.value)
    assert "northamerica-south1 lies in Mexico" in said
    assert "Or name the country or state that it lies in: --region, with --pue" in said
    with pytest.raises(UnknownNameError, match="--region") as raised:
        cloud_grid("aws", "mars-1")
    assert raised.value.nearest == ()
    assert "me-cenrtal1" not in zones("gcp")
