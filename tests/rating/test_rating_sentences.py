"""Sentences, their digits, and how many stars a change of the population moves, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from wattmark.errors import RatingError
from wattmark.rating.columns import Columns
from wattmark.rating.rules import installed_rules
from wattmark.rating.stability import what_if
from wattmark.rating.two_digits import energy_text, percent_text, rounded
from wattmark.rating.what_would_change import Change, How


def columns(values: list[float], group: str = "") -> Columns:
    names = list(group) if group else ["x"] * len(values)
    return Columns(np.array(values, dtype=float), np.array(names, dtype=object))


@pytest.mark.parametrize(
    ("energy", "down", "found"),
    [
        (0.616, True, 0.61),
        (0.616, False, 0.62),
        (0.61, False, 0.61),
        (1999.0, True, 1900.0),
        (1901.0, False, 2000.0),
    ],
)
def test_two_digits_to_either_side(energy: float, down: bool, found: float) -> None:
    assert rounded(energy, down=down) == found


def test_more_digits_until_it_fits_and_itself_where_none_does() -> None:
    assert rounded(1.23456, down=True, fits=lambda x: x > 1.233) == 1.234
    assert rounded(1.23456, down=True, fits=lambda x: x > 1.233, most_digits=4) == 1.234
    assert rounded(1.23456, down=True, fits=lambda x: x > 1.233, most_digits=3) == 1.23456
    assert rounded(0.1 + 0.2, down=True, fits=lambda x: x == 0.1 + 0.2) == 0.1 + 0.2


@pytest.mark.parametrize(
    ("energy", "text"),
    [
        (0.0, "0 Wh"),
        (0.1, "0.1 Wh"),
        (0.099, "99 mWh"),
        (1.0, "1 Wh"),
        (999.0, "999 Wh"),
        (1000.0, "1 kWh"),
        (2.5e6, "2.5 MWh"),
        (3e9, "3 GWh"),
        (4e12, "4000 GWh"),
        (0.001, "1 mWh"),
        (0.00099, "990 µWh"),
        (5e-10, "0.5 nWh"),
        (5e-13, "0.0005 nWh"),
    ],
)
def test_a_prefix_that_reads_well(energy: float, text: str) -> None:
    assert energy_text(energy, "Wh") == text


def test_a_unit_that_takes_no_prefix_is_shown_in_full() -> None:
    assert energy_text(1234.0, "J/query") == "1234 J/query"
    assert energy_text(0.05, "") == "0.05"


def test_percents_never_say_less_than_it_takes() -> None:
    found = [percent_text(p) for p in (-0.0, 0.123, -0.129, 99.1, 100.1, -12.0000000001)]
    assert found == ["+0 %", "+0.13 %", "−0.13 %", "+100 %", "+110 %", "−12 %"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (Change(4, 5, How.OWN, True, 0.61, percent=-24.0), "4★ → 5★ below 0.61 Wh (−24 %)"),
        (Change(4, 3, How.OWN, False, 2.0, percent=9.0), "4★ → 3★ above 2 Wh (+9 %)"),
        (Change(4, 3, How.JOIN, True, 2.0, 1), "4★ → 3★ if 1 more result under 2 Wh joins"),
        (
            Change(3, 4, How.JOIN, False, 2.0, 2, or_more=True),
            "3★ → 4★ or more if 2 more results over 2 Wh join",
        ),
        (Change(4, 5, How.LEAVE, True, 2.0, 1), "4★ → 5★ if 1 result under 2 Wh leaves"),
        (
            Change(4, 3, How.LEAVE, False, 2.0, 3, or_more=True),
            "4★ → 3★ or fewer if 3 results over 2 Wh leave",
        ),
        (
            Change(4, 5, How.LEAVE, True, 2.0, 1, extreme=True),
            "4★ → 5★ if the result of least energy leaves",
        ),
        (
            Change(4, 3, How.LEAVE, False, 2.0, 2, extreme=True),
            "4★ → 3★ if the 2 results of most energy leave",
        ),
    ],
)
def test_a_change_as_a_sentence(change: Change, sentence: str) -> None:
    assert change.sentence() == sentence


def test_rules_are_listed_with_the_default_first() -> None:
    first, *others = [rule.name for rule in installed_rules()]
    assert first == "quintile"
    assert others == sorted(others) and "absolute" in others


def test_stars_that_change_with_the_population_by_hand() -> None:
    seven = columns([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])

    def changed(change: str, at: Columns = seven) -> dict[str, tuple[float, int]]:
        return {c.rule: (c.changed, c.rated) for c in what_if(at, change)}

    # by fifths, seven have 5 5 4 3 3 2 1 stars, without the worst 5 5 4 3 2 1;
    # in bands of 1.2 they have 5 5 4 3 2 1 1, without the worst, in bands of 1, 5 4 3 2 1 1
    before, after = ([5, 5, 4, 3, 3, 2], [5, 5, 4, 3, 2, 1])
    assert changed("remove-worst")["quintile"] == (2.0, 7)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 2
    # one that needs 21 puts all of them into the two lowest bands of 4
    assert changed("add-outlier")["aies-2025"] == (5.0, 7)
    assert changed("noise=0.0001%")["quintile"] == (0.0, 7)
    assert changed("noise=20%")["quintile"][0] > 0
    assert changed("noise=0.2") == changed("noise=20%")
    two_groups = columns([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6], "aaaaaabbbbbb")
    one = columns([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    twice = 2 * changed("remove-worst", one)["quintile"][0]
    assert changed("remove-worst", two_groups)["quintile"] == (twice, 12)
    for bad in ("noise=0", "noise=100%", "noise=-1%", "noise=much", "remove-best"):
        with pytest.raises(RatingError, match="what-if"):
            what_if(seven, bad)
