"""Every option of ``wattmark impact`` that describes a place arrives in the site."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from wattmark.cli import impact
from wattmark.cli.main import app
from wattmark.impact.site import Site


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Site, bool]]:
    """The sites that are asked for, none of which is looked up; and whether at the moment."""
    asked: list[tuple[Site, bool]] = []

    def impacts(_uses: object, sites: list[Site], *, now: bool) -> list[Any]:
        asked.extend((site, now) for site in sites)
        return []

    monkeypatch.setattr(impact, "_impacts", impacts)
    return asked


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        (["--region", "FR"], {"region": "FR"}),
        (["--provider", "gcp"], {"provider": "gcp"}),
        (["--zone", "europe-west1"], {"zone": "europe-west1"}),
        (["--pue", "1.2"], {"pue": 1.2}),
        (["--wue-site", "0.3"], {"wue_site": 0.3}),
        (["--market-carbon", "12"], {"market_carbon": 12.0}),
        (["--price", "0.25EUR/kWh"], {"price": "0.25EUR/kWh"}),
        (["--instance-price", "3USD/h"], {"instance_price": "3USD/h"}),
        (["--device", "h100:8", "--device", "a"], {"devices": ("h100:8", "a")}),
        (["--lifetime-years", "4"], {"lifetime_years": 4.0}),
        (["--share", "0.5"], {"share": 0.5}),
    ],
    ids=lambda o: " ".join(map(str, o)),
)
def test_an_option_arrives_in_the_site(sites, options, fields) -> None:
    done = CliRunner().invoke(app, ["impact", "1kWh", "--json", *options])
    assert done.exit_code == 0, done.output
    assert sites == [(Site().model_copy(update=fields), False)]


def test_a_file_is_overridden_regions_are_compared_and_now_is_asked(sites, tmp_path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("region: FR\npue: 1.3\n")
    line = ["impact", "1kWh", "--json", "--site", str(path), "--pue", "1.1"]
    done = CliRunner().invoke(app, [*line, "--compare", "SE, PL", "--at", "now"])
    assert done.exit_code == 0, done.output
    assert [(site.region, site.pue, now) for site, now in sites] == [
        ("SE", 1.1, True),
        ("PL", 1.1, True),
    ]
    assert CliRunner().invoke(app, [*line, "--at", "noon"]).exit_code == 2
