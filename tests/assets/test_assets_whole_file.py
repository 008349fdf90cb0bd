"""A file that is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.assets.whole_file import whole_file, write_whole


def test_a_folder_is_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.json"
    write_whole(file, "grün")
    write_whole(file, b"\x00\xff")

    assert file.read_bytes() == b"\x00\xff"
    assert list(file.parent.iterdir()) == [file]


def test_a_file_is_as_it_was_where_writing_fails_midway(tmp_path: Path) -> None:
    file = tmp_path / "edition.json"
    write_whole(file, "old")

    with pytest.raises(ZeroDivisionError), whole_file(file) as draft:
        draft.write(b"ne")
        draft.flush()
        assert file.read_text() == "old"
        raise ZeroDivisionError

    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
