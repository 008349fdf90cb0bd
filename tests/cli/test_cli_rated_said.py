"""Stars from the command line: tables, editions and labels, and what each option changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest
from synthetic_run import MEASURED, make_result, make_run
from typer.testing import CliRunner, Result

from wattmark.cli.main import app
from wattmark.editions import edition_files
from wattmark.editions import label as labels
from wattmark.records import bundle_of
from wattmark.workflows import runs

ENERGIES = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def wattmark(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(*arguments: object) -> str:
    done = wattmark(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Six rows of one task with bounds, other bounds, quality, grade and hardware."""
    path = tmp_path / "t.csv"
    rows = [
        f"{'t' if n < 5 else 'u'},{e},{e * 0.99},{e * 1.01},{e * 0.5},{e * 2},"
        f"{str(n != 1).lower()},{'modelled' if n != 2 else 'metered'},{'a' if n != 3 else 'b'}"
        for n, e in enumerate(ENERGIES)
    ]
    head = "task,energy_wh,energy_wh_low,energy_wh_high,least,most,ok,grade,machine"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def rated(table: Path, *options: object) -> list[dict[str, Any]]:
    out = table.parent / "out.csv"
    done = wattmark("rate", table, "--out", out, *options)
    assert done.exit_code == 0, (done.output, done.exception)
    return pyarrow.csv.read_csv(out).to_pylist()


def stars(table: Path, *options: object) -> list[int | None]:
    return [row["stars"] for row in rated(table, *options)]


def test_a_table_is_one_population_of_the_column_energy_wh(table: Path) -> None:
    assert stars(table) == [5, 5, 4, 3, 2, 1]
    done = wattmark("rate", table, "--out", table.parent / "out.csv")
    assert (done.stdout, done.stderr) == (
        "",
        f"{table.parent / 'out.csv'}: 6 rows, 0 of them unrated\n",
    )
    assert stars(table, "--value", "most", "--low", "least", "--high", "most")[0] == 5
    assert stars(table, "--rule", "aies-2025") != stars(table)


def test_a_population_has_enough_entries_or_none_is_rated(table: Path) -> None:
    by_task = rated(table, "--by", "task")
    assert [row["stars"] for row in by_task][-1] is None
    assert by_task[-1]["unrated_reason"] == "population_too_small"
    done = wattmark("rate", table, "--by", " task , machine", "--out", table.parent / "o.csv")
    assert "6 of them unrated" in done.stderr
    assert None in stars(table, "--min-population", "7")
    assert None not in stars(table, "--min-population", "6")
    assert stars(table, "--by", "task", "--min-population", "2")[-1] is None
    assert wattmark("rate", table, "--min-population", "1").exit_code == 2


@pytest.mark.parametrize(
    ("option", "row", "reason"),
    [
        (["--gate", "ok"], 1, "quality_gate"),
        (["--grade", "grade"], 2, "grade"),
        (["--hardware", "machine"], 3, "hardware"),
    ],
    ids=str,
)
def test_what_cannot_be_compared_has_no_star(table, option, row: int, reason: str) -> None:
    found = rated(table, *option, "--min-population", "2")
    assert [n for n, each in enumerate(found) if each["stars"] is None] == [row]
    assert reason in found[row]["unrated_reason"]


def test_bounds_level_draws_and_seed_arrive(table: Path) -> None:
    narrow, wide = (
        [row["star_probability"] for row in rated(table, *options)]
        for options in ([], ["--low", "least", "--high", "most"])
    )
    assert sum(wide) < sum(narrow)
    wide_options = ["--low", "least", "--high", "most"]

    def probabilities(*options: str) -> list[float]:
        return [row["star_probability"] for row in rated(table, *wide_options, *options)]

    assert probabilities("--seed", "0") == wide == probabilities("--resamples", "8192")
    assert probabilities("--level", "0.95") == wide != probabilities("--level", "0.5")
    assert probabilities("--seed", "1") != wide != probabilities("--resamples", "100")
    assert {row["star_probability"] for row in rated(table, "--resamples", "0")} <= {None, ""}


def test_a_table_is_printed_with_four_digits_and_gaps(table: Path) -> None:
    lines = said("rate", table, "--gate", "ok", "--resamples", "0").splitlines()
    assert lines[0].split()[:2] == ["task", "energy_wh"]
    assert lines[1].split()[:4] == ["t", "1", "0.99", "1.01"]
    assert lines[2].split()[-1] == "quality_gate"
    assert "33.33" in lines[3] or "25" in lines[4]


def test_what_would_change_and_the_rule_are_told_when_asked(table: Path) -> None:
    assert "what_would_change" not in rated(table)[0]
    assert rated(table, "--why")[1]["what_would_change"]
    assert "quintile, version" not in said("rate", table)
    assert said("rate", table, "--explain").startswith("quintile, version 1:  The entries of a ")


def test_how_many_stars_would_change(table: Path) -> None:
    assert said("rate", table, "--what-if", "remove-worst").splitlines() == [
        "quintile: 4 of 6 stars change (67%)",
        "aies-2025: 0 of 6 stars change (0%)",
    ]
    noise = ["rate", table, "--what-if", "noise=50%"]
    assert said(*noise) == said(*noise, "--seed", "0") != said(*noise, "--seed", "1")


def test_limits_are_written_and_used(table: Path) -> None:
    limits = table.parent / "limits.yaml"
    done = wattmark("rate", table, "--by", "task", "--write-limits", limits)
    assert (done.stdout, done.stderr) == ("", f"{limits}: limits of 1 populations\n")
    found = stars(table, "--by", "task", "--rule", "absolute", "--limits", limits)
    assert found[0] == 4 and found[-1] is None
    explained = said(
        *("rate", table, "--by", "task", "--rule", "absolute", "--limits", limits, "--explain")
    )
    assert sum(line.startswith("absolute, version ") for line in explained.splitlines()) == 1
    cheap = table.parent / "cheap.csv"
    cheap.write_text("task,energy_wh\n" + "t,0.01\n" * 6)
    line = ["rate", cheap, "--by", "task", "--rule", "absolute", "--limits", limits]
    due = "So many have come to the top that the limits are due to be drawn anew.\n"
    assert wattmark(*line).stderr == due
    dear = table.parent / "dear.csv"
    dear.write_text("task,energy_wh\n" + "t,100\n" * 6)
    assert wattmark("rate", dear, *line[2:]).stderr == ""


def test_stored_runs_are_rated_by_task_class_and_hardware(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
    monkeypatch.setattr(runs, "finished", lambda: [run])
    out = tmp_path / "out.json"
    wattmark("rate", "--out", out)
    found = {row["setup"]: row for row in json.loads(out.read_text())}
    assert len(found) == 9
    assert found["openvino/cpu/int8-static"]["unrated_reason"] == "quality_gate"
    assert found["onnxruntime/cpu/int8-dynamic"]["stars"] == 5
    other = run.model_copy(update={"environment": run.environment.model_copy(
        update={"cpu_model": "another"}
    )})  # fmt: skip
    monkeypatch.setattr(runs, "finished", lambda: [run, other])
    wattmark("rate", "--out", out)
    best = [row for row in json.loads(out.read_text()) if row["stars"] == 5]
    assert len({row["hardware"] for row in best}) == 2


# editions and labels


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Editions here on a June day; ``latest`` has nine setups, ``few`` one of them, dearer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(edition_files, "today", lambda: "2026-06-01")
    every = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
    few = make_run([make_result("jax/jit/fp32", 12.7, 0.1, 842)])
    made = {"latest": bundle_of(every), "few": bundle_of(few)}
    monkeypatch.setattr(runs, "bundle", lambda name: made[name])
    return tmp_path / "editions"


def frozen(name: str) -> None:
    said("edition", "open", name)
    said("edition", "add", name, "latest")
    said("edition", "freeze", name)


def test_an_edition_says_what_each_step_did(shelf: Path) -> None:
    opened = said("edition", "open", "2026-H1")
    assert opened == "2026-H1: rule quintile, closes 2026-06-30\n"
    assert said("edition", "add", "2026-H1", "latest") == "2026-H1: 9 results\n"
    edition = edition_files.Editions(shelf)
    done = said("edition", "freeze", "2026-H1")
    digest = edition.load("2026-H1").digest
    assert done == f"2026-H1: 8 of 9 results rated, digest {digest}\n"
    assert said("edition", "verify", "2026-H1") == "2026-H1: as it was frozen\n"
    after = said("edition", "open", "2026-H2", "--rule", "aies-2025")
    assert after.startswith("2026-H2: rule aies-2025, closes 2026-12-31, after 2026-H1\n")


def test_an_edition_that_was_changed_is_told_with_a_non_zero_exit(shelf: Path) -> None:
    frozen("2026-H1")
    file = shelf / "2026-H1.json"
    file.write_text(file.read_text().replace('"minilm-l6-sentiment"', '"minilm"'))
    done = wattmark("edition", "verify", "2026-H1")
    assert done.exit_code == 1
    assert done.stdout and "as it was frozen" not in done.stdout


def test_what_changed_between_editions(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen("2026-H1")
    monkeypatch.setattr(edition_files, "today", lambda: "2026-12-01")
    said("edition", "open", "2026-H2")
    said("edition", "freeze", "2026-H2")
    assert said("edition", "diff", "2026-H1", "2026-H2") == "nothing changed\n"

    monkeypatch.setattr(edition_files, "today", lambda: "2026-06-01")
    said("edition", "open", "2026-H1", "--dir", "other")
    said("edition", "add", "2026-H1", "few", "--dir", "other")
    assert {p.name for p in Path("other").glob("*.json")} == {"2026-H1.json"}
    assert said("edition", "add", "2026-H1", "latest", "few", "--dir", "other") == (
        "2026-H1: 9 results\n"
    )


def test_a_label_is_drawn_of_the_least_energy(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen("2026-H1")
    done = wattmark("label", "minilm-l6-sentiment", "--edition", "2026-H1")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == (
        "label.svg: minilm-l6-sentiment, onnxruntime/cpu/int8-dynamic, edition 2026-H1\n"
    )
    whole = Path("label.svg").read_text()
    drawn: list[tuple[str, Any, str]] = []
    for kind in ("render_label", "render_badge"):

        def render(found: Any, language: str, kind: str = kind) -> str:
            drawn.append((kind, found, language))
            return "<svg/>"

        monkeypatch.setattr(labels, kind, render)
    line = ["label", "minilm-l6-sentiment", "--edition", "2026-H1"]
    wattmark(*line)
    wattmark(
        *(*line, "--setup", "jax/jit/fp32", "--lang", "de", "--badge"),
        *("--address", "https://b.example/1", "--output", "badge.svg"),
    )
    plain, badge = drawn
    assert (plain[0], plain[2]) == ("render_label", "en")
    assert plain[1].address.startswith("urn:sha256:")
    assert (badge[0], badge[2]) == ("render_badge", "de")
    assert (badge[1].setup, badge[1].address) == ("jax/jit/fp32", "https://b.example/1")
    assert Path("badge.svg").read_text() == "<svg/>" != whole
