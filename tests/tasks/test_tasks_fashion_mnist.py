from __future__ import annotations

import gzip

import pytest

from wattmark.errors import AssetError
from wattmark.tasks.fashion_mnist import CLASSES, DATA, _values


def test_values_follow_the_header(tmp_path):
    file = tmp_path / "labels.gz"
    file.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x03" + bytes([9, 0, 3])))
    assert _values(file, 8, 3).tolist() == [9, 0, 3]


def test_a_file_that_is_cut_short_is_an_error(tmp_path):
    file = tmp_path / "labels.gz"
    file.write_bytes(gzip.compress(bytes(10)))
    with pytest.raises(AssetError, match="holds 2 values, 3 were expected"):
        _values(file, 8, 3)


def test_it_is_pinned_and_has_ten_classes():
    assert DATA.registry == "debian"
    assert len(set(CLASSES)) == 10
