"""Rules, exports and report formats of a third party: named in help and lists, and used by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest
from synthetic_run import BASELINE, MEASURED, make_result, make_run
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.editions import edition_files
from wattmark.editions.rating_table import write_table
from wattmark.errors import RatingError, UnknownNameError
from wattmark.records import bundle_of
from wattmark.workflows import kinds, runs

RUN = make_run([make_result(BASELINE, *MEASURED[BASELINE])])
ENERGIES = [1.0, 2.0, 2.1, 4.5, 9.0, 17.0]


def wattmark(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(a) for a in arguments])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.stdout


def unwrapped(text: str) -> str:
    """Without spaces: help breaks its lines at hyphens too."""
    return "".join(text.split())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "in.csv"
    bounds = {
        "energy_wh_low": [0.9 * e for e in ENERGIES],
        "energy_wh_high": [1.1 * e for e in ENERGIES],
    }
    write_table(pa.table({"energy_wh": ENERGIES} | bounds), file)
    return file


@pytest.mark.usefixtures("fake_plugin")
@pytest.mark.parametrize(
    ("verb", "named"),
    [
        (("rate",), "absolute, aies-2025, fake-doublings, fake-strict, quintile"),
        (("edition", "open"), "absolute, aies-2025, fake-doublings, fake-strict, quintile"),
        (("board", "edition", "open"), "aies-2025, fake-doublings, fake-strict, quintile"),
        (("export",), "eu-ai-act-annex-xi, fake-line, itu-l1801"),
        (("report",), "csv, fake-names, html, json, md"),
    ],
    ids=["rate", "edition open", "board edition open", "export", "report"],
)
def test_help_names_what_is_installed(verb: tuple[str, ...], named: str) -> None:
    assert unwrapped(named) in unwrapped(wattmark(*verb, "--help"))


@pytest.mark.usefixtures("fake_plugin")
@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (
            "rules",
            {"name": "fake-strict", "version": "version 1", "text": "The half of"},
        ),
        ("exports", {"name": "fake-line", "title": "a line for a message"}),
        ("reports", {"name": "fake-names", "title": "setups, a line each"}),
    ],
)
def test_list_says_what_each_is(kind: str, row: dict[str, str]) -> None:
    rows = json.loads(wattmark("list", kind, "--json"))
    (found,) = [each for each in rows if each["name"] == row["name"]]
    assert found.keys() == row.keys()
    assert all(found[key].startswith(text) for key, text in row.items())


def test_listing_names_imports_none_of_them() -> None:
    code = (
        "import sys\nfrom wattmark import registry\n"
        "for kind in ('rule', 'export', 'report'): assert len(registry.names(kind)) >= 3\n"
        "print('numpy' in sys.modules, any('rating' in m or 'exports' in m for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.usefixtures("fake_plugin")
def test_a_third_partys_rule_rates_a_table_with_all_statistics(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    wattmark("rate", table, "--rule", "fake-doublings", "--why", "--out", out)
    rows = pyarrow.csv.read_csv(out).to_pylist()
    assert [row["stars"] for row in rows] == [5, 5, 4, 3, 2, 1]
    assert rows[1]["star_probability"] == pytest.approx(0.5, abs=0.01)  # it lies on the border
    assert rows[3]["star_probability"] > 0.9
    assert rows[1]["boundary_distance_pct"] == pytest.approx(0)
    assert rows[3]["boundary_distance_pct"] == pytest.approx(100 * 0.5 / 4.5)
    assert rows[3]["what_would_change"].startswith("3★ → 4★ below 4 Wh (−12 %)")
    two = tmp_path / "two.csv"
    write_table(pa.table({"energy_wh": [1.0, 3.0]}), two)
    assert "population_too_small" not in wattmark("rate", two, "--rule", "fake-doublings")
    assert "population_too_small" in wattmark("rate", two)  # quintile wants five


@pytest.mark.usefixtures("fake_plugin")
def test_a_third_partys_rule_may_need_limits(table: Path, tmp_path: Path) -> None:
    with pytest.raises(RatingError, match="rule fake-strict needs --limits"):
        wattmark("rate", table, "--rule", "fake-strict")
    limits, out = tmp_path / "limits.yaml", tmp_path / "out.csv"
    limits.write_text("limits_version: 1\nmost_energy_for_5_4_3_2_stars: {'[]': [2, 4, 8, 32]}")
    wattmark("rate", table, "--rule", "fake-strict", "--limits", limits, "--out", out)
    stars = pyarrow.csv.read_csv(out).column("stars").to_pylist()
    assert stars == [5, 4, 3, 2, 2, 1]
    with pytest.raises(RatingError, match="--limits: rule fake-doublings has no limits"):
        wattmark("rate", table, "--rule", "fake-doublings", "--limits", limits)


@pytest.mark.usefixtures("fake_plugin")
def test_a_third_partys_rule_makes_editions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
    monkeypatch.setattr(runs, "bundle", lambda name: bundle_of(run))
    monkeypatch.setattr(edition_files, "today", lambda: "2026-06-01")
    where = ("--dir", tmp_path)
    said = wattmark("edition", "open", "2026-H1", "--rule", "fake-doublings", *where)
    assert "rule fake-doublings" in said
    wattmark("edition", "add", "2026-H1", "latest", *where)
    wattmark("edition", "freeze", "2026-H1", *where)
    edition = edition_files.Editions(tmp_path).load("2026-H1")
    assert (edition.rule_version, edition.min_population) == (3, 2)
    least = min(e.energy_wh or 0 for e in edition.entries if e.gate_passed)
    for entry, star in zip(edition.entries, edition.stars, strict=True):
        if entry.gate_passed:
            assert star.stars == (5 if (entry.energy_wh or 0) <= 2 * least else 4)
    assert "as it was frozen" in wattmark("edition", "verify", "2026-H1", *where)

    with pytest.raises(RatingError, match="2026-H2: rule fake-doublings has no limits"):
        limits = tmp_path / "limits.yaml"
        limits.write_text("limits_version: 1\nmost_energy_for_5_4_3_2_stars: {a: [1, 2, 3, 4]}")
        wattmark(
            "edition", "open", "2026-H2", "--rule", "fake-doublings", "--limits", limits, *where
        )


def test_an_edition_whose_rule_is_not_installed_is_read_and_not_rated(tmp_path: Path) -> None:
    shelf = edition_files.Editions(tmp_path)
    shelf.open("2026-H1", "quintile")
    file = tmp_path / "2026-H1.json"
    file.write_text(file.read_text().replace('"quintile"', '"theirs"'))
    assert shelf.load("2026-H1").rule == "theirs"
    with pytest.raises(UnknownNameError, match="unknown rating rule 'theirs'"):
        shelf.load("2026-H1").rules()


@pytest.mark.usefixtures("fake_plugin")
def test_a_third_partys_export_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runs, "load", lambda name: RUN)
    monkeypatch.setattr(kinds, "load", lambda name: RUN)
    done = CliRunner().invoke(app, ["export", "latest", "--format", "fake-line", "--region", "FR"])
    assert done.stdout.startswith("minilm-l6-sentiment: 0.00")
    assert "Checked against: nothing" in done.stderr
    done = CliRunner().invoke(app, ["export", "latest", "--format", "fake-line"])
    assert done.stdout == "minilm-l6-sentiment: ? mg\n"
    assert "Left open: carbon: give --region, or --provider and --zone" in done.stderr


@pytest.mark.usefixtures("fake_plugin")
def test_a_third_partys_report_has_the_run_and_what_lies_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runs, "load", lambda name: RUN)
    monkeypatch.setattr(kinds, "load", lambda name: RUN)
    out = tmp_path / "names.txt"
    wattmark("report", "latest", "--format", "fake-names", "-o", out)
    first, *commands = out.read_text().splitlines()
    assert first == f"{BASELINE}: 0"
    assert commands[-1] == "wattmark run plan.json"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "x", "--format", "htm"), "unknown report format 'htm': did you mean 'html'"),
        (("report", "x", "--format", "docx"), "known: csv, html, json, md"),
        (("export", "x", "--format", "spd"), "unknown export format 'spd': did you mean 'spdx'"),
        (("rate", "x", "--rule", "quintil"), "unknown rating rule 'quintil': did you mean 'quin"),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_are_known(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "load", lambda name: RUN)
    monkeypatch.setattr(kinds, "load", lambda name: RUN)
    with pytest.raises(UnknownNameError) as raised:
        wattmark(*arguments)
    assert said in str(raised.value)
    assert raised.value.exit_code == 2
