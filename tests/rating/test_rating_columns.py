"""``wattmark rate``: columns and rows stay, stars are those of the rules, reasons are told."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_run import MEASURED, make_result, make_run
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.cli.rate import rate as rate_command
from wattmark.editions.rating_table import ADDED, read_table, write_table
from wattmark.errors import InputError, RatingError, UnknownNameError, WattmarkError
from wattmark.quantities import Quantity
from wattmark.rating import Entry, rate
from wattmark.rating.columns import Columns, rate_columns
from wattmark.rating.confidence import RESAMPLES
from wattmark.rating.star_limits import rescale_due
from wattmark.records import Run
from wattmark.workflows import runs

PUBLISHED = sorted((Path(__file__).parent / "fixtures").rglob("*.csv"))


def wattmark(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(a) for a in arguments])
    if found.exception is not None:
        raise found.exception
    return found.stdout


def a_table(path: Path, **changes: list) -> Path:
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    columns = {"name": list("gfedcba"), "energy_wh": values[::-1]} | changes
    write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda f: f.stem)
def test_every_published_star_comes_out_of_the_command(file: Path, tmp_path: Path) -> None:
    table = pyarrow.csv.read_csv(file)
    by = ["--by", "class"] if "class" in table.schema.names else []
    out = tmp_path / "rated.csv"
    wattmark("rate", file, "--value", "total_gpu_energy", "--rule", "aies-2025", "--out", out, *by)
    rated = pyarrow.csv.read_csv(out)
    assert rated.column("stars").to_pylist() == table.column("energy_score").to_pylist()


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
def test_columns_and_rows_stay_as_they_were(tmp_path: Path, suffix: str) -> None:
    source, out = a_table(tmp_path / f"in.{suffix}"), tmp_path / f"out.{suffix}"
    wattmark("rate", source, "--out", out)
    before, after = read_table(source), read_table(out)
    assert after.schema.names == [*before.schema.names, *ADDED]
    assert after.select(before.schema.names).to_pylist() == before.to_pylist()
    assert after.column("star_probability").null_count == len(after)  # no interval was given


def test_intervals_give_probabilities_and_bad_rows_their_reason(tmp_path: Path) -> None:
    energies = [1.0, 2.0, 3.0, 4.0, 5.0, None, 7.0]
    source = a_table(
        tmp_path / "in.parquet",
        energy_wh=energies,
        energy_wh_low=[e and 0.99 * e for e in energies[:-1]] + [8.0],
        energy_wh_high=[e and 1.01 * e for e in energies[:-1]] + [9.0],
    )
    out = tmp_path / "out.parquet"
    wattmark("rate", source, "--out", out)
    rows = pyarrow.parquet.read_table(out).to_pylist()
    assert [r["stars"] for r in rows] == [5, 4, 3, 2, 1, None, None]
    assert [r["star_probability"] for r in rows[:5]] == [1.0] * 5
    assert rows[5]["unrated_reason"] == "no_energy"
    assert rows[6]["unrated_reason"] == "no_usable_interval"


def test_gates_grades_and_small_groups_are_not_rated(tmp_path: Path) -> None:
    source = a_table(
        tmp_path / "in.json",
        task=["a"] * 6 + ["b"],
        passed=[False] + [True] * 6,
        grade=["modelled"] + ["metered"] * 6,
    )
    out = tmp_path / "out.json"
    options = ["--by", "task", "--gate", "passed", "--grade", "grade"]
    wattmark("rate", source, "--out", out, *options)
    reasons = [row["unrated_reason"] for row in json.loads(out.read_text())]
    assert reasons == ["quality_gate", *[None] * 5, "population_too_small"]


def test_other_hardware_than_the_usual_is_listed_and_not_rated(tmp_path: Path) -> None:
    source, out = tmp_path / "in.json", tmp_path / "out.json"
    a_table(source, gpu=["L4"] * 5 + ["H100", "L4"], grade=["metered"] * 3 + ["modelled"] * 4)
    wattmark("rate", source, "--out", out, "--hardware", "gpu")
    assert [r["unrated_reason"] for r in json.loads(out.read_text())] == [
        *[None] * 5,
        "hardware_differs",
        None,
    ]
    # of those on the usual hardware as many are metered as modelled: the more trusted are rated
    wattmark("rate", source, "--out", out, "--hardware", "gpu", "--grade", "grade")
    reasons = [r["unrated_reason"] for r in json.loads(out.read_text())]
    assert reasons[3:] == ["grade_differs"] * 2 + ["hardware_differs", "grade_differs"]
    assert reasons[:3] == ["population_too_small"] * 3
    said = wattmark("rate", source, "--hardware", "gpu", "--what-if", "remove-worst")
    assert "of 6 stars change" in said


def test_the_command_draws_as_often_as_the_library() -> None:
    assert signature(rate_command).parameters["resamples"].default == RESAMPLES


def test_stored_runs_of_generated_text_are_rated_within_their_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_run(name: str, parameters: int | None) -> Run:
        run = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
        model = run.model.model_copy(update={"name": name, "parameters": parameters})
        task = run.task.model_copy(update={"name": "text-generation"})
        return run.model_copy(update={"model": model, "task": task})

    stored = [a_run("small", 10**9), a_run("large", 30 * 10**9), a_run("unknown", None)]
    monkeypatch.setattr(runs, "finished", lambda: stored)
    out = tmp_path / "out.parquet"
    wattmark("rate", "--out", out, "--resamples", "64")
    rows = pyarrow.parquet.read_table(out).to_pylist()
    assert {(r["model"], r["class"]) for r in rows} == {
        ("small", "A"),
        ("large", "B"),
        ("unknown", ""),
    }
    for model in ("small", "large", "unknown"):
        assert {r["stars"] for r in rows if r["model"] == model} >= {1, 5}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 50)), min_size=1, max_size=30),
    st.sampled_from(["quintile", "aies-2025"]),
)
def test_columns_are_rated_as_single_entries_are(rows: list[tuple[str, int]], rule: str) -> None:
    entries = [
        Entry(f"{i}", Quantity.between(v, 0.9 * v, 1.1 * v, "Wh"), None, None, g)
        for i, (g, v) in enumerate(rows)
    ]
    one_by_one = rate(entries, rule, resamples=1)
    value = np.array([float(v) for _, v in rows])
    group = np.array([g for g, _ in rows], dtype=object)
    at_once = rate_columns(Columns(value, group, 0.9 * value, 1.1 * value), rule, resamples=1)
    assert [r.stars or 0 for r in one_by_one] == at_once.stars.tolist()
    assert [r.unrated_reason or "" for r in one_by_one] == at_once.reason.tolist()
    distances = [np.nan if r.stars is None else r.boundary_distance_pct for r in one_by_one]
    np.testing.assert_allclose(at_once.distance_pct, np.array(distances, dtype=float))


@given(st.permutations(range(8)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_changes_no_probability(order: list[int]) -> None:
    value = np.linspace(1.0, 1.4, 8)
    group = np.array(["x"] * 8, dtype=object)
    plain = rate_columns(Columns(value, group, 0.9 * value, 1.1 * value), resamples=200)
    at = np.array(order)
    moved = rate_columns(Columns(value[at], group, 0.9 * value[at], 1.1 * value[at]), resamples=200)
    np.testing.assert_array_equal(moved.probability, plain.probability[at])


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--value", "energy"], RatingError, "no column 'energy'; its columns: name, energy_wh"),
        (["--value", "name"], RatingError, "column 'name' is not of numbers"),
        (["--by", "task"], RatingError, "no column 'task'"),
        (["--rule", "quintil"], UnknownNameError, "did you mean 'quintile'"),
        (["--low", "energy_wh"], RatingError, "give both columns of the interval"),
        (["--level", "95"], RatingError, "level: 95 is not between 0 and 1"),
        (["--out", "out.xlsx"], RatingError, "is written as .csv, .parquet or .json"),
    ],
)
def test_bad_input_is_refused(
    tmp_path: Path, arguments: list[str], error: type[WattmarkError], said: str
) -> None:
    source = a_table(tmp_path / "in.csv")
    with pytest.raises(error) as raised:
        wattmark("rate", source, *arguments)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.txt", "a", "is read from .csv, .parquet or .json"),
        ("t.json", "{", "cannot be read as a table"),
        ("t.parquet", "no parquet", "cannot be read as a table"),
        ("t.csv", "stars,energy_wh\n1,2\n", "has a column 'stars' already"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(RatingError, match=said):
        wattmark("rate", tmp_path / name)
    with pytest.raises(RatingError, match="cannot be read"):
        wattmark("rate", tmp_path / "nowhere.csv")


def test_one_outlier_moves_equal_bands_and_not_fifths(tmp_path: Path) -> None:
    source = a_table(tmp_path / "in.csv", energy_wh=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    changed = {
        line.split(":")[0]: float(line.split()[1])
        for line in wattmark("rate", source, "--what-if", "add-outlier").splitlines()
    }
    assert changed["aies-2025"] > changed["quintile"]


@pytest.mark.parametrize("change", ["remove-worst", "noise=20%"])
def test_a_change_of_the_population_is_counted_among_those_that_stay(
    tmp_path: Path, change: str
) -> None:
    source = a_table(tmp_path / "in.csv", energy_wh=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 9.0])
    lines = wattmark("rate", source, "--what-if", change).splitlines()
    assert [line.split(":")[0] for line in lines] == ["quintile", "aies-2025"]
    assert all("of 7 stars change" in line for line in lines)
    bands = float(lines[1].split()[1])
    assert bands > 0
    for bad in ("noise=", "noise=200%", "shuffle"):
        with pytest.raises(RatingError, match="what-if"):
            wattmark("rate", source, "--what-if", bad)


def test_limits_are_born_with_the_top_class_empty_and_do_not_move(tmp_path: Path) -> None:
    source, limits, out = tmp_path / "in.csv", tmp_path / "limits.yaml", tmp_path / "out.csv"
    a_table(source, energy_wh=[1.0, 2.0, 4.0, 8.0, 16.0, 3.0, 5.0])
    wattmark("rate", source, "--write-limits", limits)
    wattmark("rate", source, "--rule", "absolute", "--limits", limits, "--out", out)
    assert read_table(out).column("stars").to_pylist() == [4, 4, 3, 2, 1, 3, 2]
    # one that needs a third of the best gets the empty class, alone in its table as it is
    write_table(pa.table({"name": ["new"], "energy_wh": [0.3]}), source)
    wattmark("rate", source, "--rule", "absolute", "--limits", limits, "--out", out)
    assert read_table(out).column("stars").to_pylist() == [5]


def test_limits_are_of_a_population_and_say_when_they_are_due(tmp_path: Path) -> None:
    source, limits = tmp_path / "in.csv", tmp_path / "limits.yaml"
    a_table(source, task=list("aaaaaab"))
    wattmark("rate", source, "--by", "task", "--write-limits", limits)
    text = CliRunner().invoke(
        app,
        ["rate", str(source), "--by", "task", "--rule", "absolute", "--limits", str(limits)],
    )
    assert "no_limits" in text.stdout  # of b, which was too small to have any
    stars = rescale_due(np.array([5, 5, 3, 2, 1, 1, 0])), rescale_due(np.array([4, 3, 2, 1, 0]))
    assert stars == (True, False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "limits.yaml: line 1, column 2"),
        ("limits_version: 1", "is no file of limits"),
        ("limits_version: 2\nmost_energy_for_5_4_3_2_stars: {}", "limits_version is 2"),
        ("limits_version: 1\nmost_energy_for_5_4_3_2_stars: {a: [1, 2, 3]}", "limits.yaml: a: "),
        ("limits_version: 1\nmost_energy_for_5_4_3_2_stars: {a: [1, 3, 2, 4]}", "do not rise"),
    ],
)
def test_bad_limits_are_refused(tmp_path: Path, content: str, said: str) -> None:
    source, limits = a_table(tmp_path / "in.csv"), tmp_path / "limits.yaml"
    limits.write_text(content)
    with pytest.raises(InputError, match=said):
        wattmark("rate", source, "--rule", "absolute", "--limits", limits)
    with pytest.raises(RatingError, match="needs --limits"):
        wattmark("rate", source, "--rule", "absolute")
