"""Words that say yes or no, and everything else, which says neither."""

from __future__ import annotations

import math

import pytest

from wattmark.errors import InputError
from wattmark.outside.truth import read_truth


@pytest.mark.parametrize("word", ["yes", "Y", "TRUE", "t", "1", " pass ", "PASSED", 1, 1.0, "1.0"])
def test_what_says_yes(word: object) -> None:
    assert read_truth(word) is True


@pytest.mark.parametrize("word", ["no", "N", "False", "f", "0", "FAIL", "failed", 0, "0.0", -0.0])
def test_what_says_no(word: object) -> None:
    assert read_truth(word) is False


@pytest.mark.parametrize("absent", [None, "", "  "])
def test_what_says_nothing(absent: object) -> None:
    assert read_truth(absent) is None


@pytest.mark.parametrize("other", ["maybe", "nan", math.nan, 2, 0.97, "97%", "null", b"no", [True]])
def test_everything_else_is_refused_by_its_value(other: object) -> None:
    with pytest.raises(InputError, match="is neither yes nor no: write true or false"):
        read_truth(other)
