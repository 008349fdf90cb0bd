"""Power recorded by somebody else: a row is read whole, or the file is refused by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.errors import InputError
from wattmark.metering.power_csv import read_power_csv


def a_file(folder: Path, text: str) -> Path:
    path = folder / "p.csv"
    path.write_bytes(text.encode())
    return path


def test_a_mark_of_the_byte_order_is_no_part_of_a_name(tmp_path: Path) -> None:
    trace = read_power_csv(a_file(tmp_path, "\ufefft_s,power_w\n0,40\n1,42\n2,41\n"))
    assert trace.power_w.tolist() == [40.0, 42.0, 41.0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,422,41", "line 3: 3 values for 2 columns"),
        ("1,42,,", "line 3: 4 values for 2 columns"),
        ("1", "line 3: 1 values for 2 columns"),
        ("1,much", "line 3: could not convert"),
    ],
)
def test_a_glued_or_shifted_row_is_refused_by_its_line(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_power_csv(a_file(tmp_path, f"t_s,power_w\n0,40\n{row}\n3,41\n"))


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two columns are called 'w': rename one"):
        read_power_csv(a_file(tmp_path, "t_s,w,w\n0,40,41\n"))
