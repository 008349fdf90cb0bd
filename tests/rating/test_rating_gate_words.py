"""Gates and rows of tables as others write them: read for what they say, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from wattmark.editions.rating_table import columns_of, read_table, write_table
from wattmark.errors import RatingError
from wattmark.rating.columns import rate_columns


def a_csv(folder: Path, passed: list[str]) -> Path:
    rows = [f"m{n},t,{n},{word}" for n, word in enumerate(passed, 1)]
    path = folder / "t.csv"
    path.write_text("\n".join(["model,task,energy_wh,passed", *rows]) + "\n")
    return path


def reasons(path: Path) -> list[str]:
    columns = columns_of(read_table(path, as_text=["passed"]), "energy_wh", ["task"], gate="passed")
    return [str(reason) for reason in rate_columns(columns, resamples=0).reason]


@pytest.mark.parametrize(
    ("no", "yes"),
    [
        ("no", "yes"),
        ("N", "Y"),
        ("FAILED", "True"),
        ("FAIL", "PASS"),
        ("0", "1"),
        ("0.0", "1.0"),
        ("false", "true"),
    ],
)
def test_a_gate_in_words_keeps_who_failed_it_out(tmp_path: Path, no: str, yes: str) -> None:
    assert reasons(a_csv(tmp_path, [no, no, *[yes] * 5])) == ["quality_gate"] * 2 + [""] * 5


def test_who_was_not_judged_stays(tmp_path: Path) -> None:
    assert reasons(a_csv(tmp_path, ["", *["yes"] * 5, "no"])) == [""] * 6 + ["quality_gate"]


@pytest.mark.parametrize("word", ["nan", "NA", "perhaps", "0.5", "99"])
def test_what_says_neither_is_refused_by_column_and_value(tmp_path: Path, word: str) -> None:
    with pytest.raises(RatingError, match=f"column 'passed': '{word}' is neither yes nor no"):
        reasons(a_csv(tmp_path, [word, *["1"] * 6]))


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_a_gate_of_numbers_that_is_not_a_number_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    table = {"energy_wh": [1.0, 2.0], "task": ["t", "t"], "passed": [float("nan"), 1.0]}
    write_table(pa.table(table), path)
    with pytest.raises(RatingError, match="column 'passed': nan is neither yes nor no"):
        reasons(path)


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        (["a,t,1.0", "b,t,2.0", "c,t,3.0f,t,9.0", "d,t,4.0"], 4, "Expected 3 columns, got 5"),
        (["a,t,1.0", "b,2.0", "c,t,3.0"], 3, "Expected 3 columns, got 2"),
    ],
)
def test_glued_and_shifted_rows_are_refused_by_their_line(
    tmp_path: Path, rows: list[str], line: int, said: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["model,task,energy_wh", *rows]) + "\n")
    with pytest.raises(RatingError, match=f"t.csv, line {line}: .*{said}: {rows[line - 2]}"):
        read_table(path)
