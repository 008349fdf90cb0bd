"""What would change a star: each claim, done, changes it as said, and one fewer does not."""

from __future__ import annotations

import math
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.editions.rating_table import read_table, write_table
from wattmark.rating import Rule, find_rule
from wattmark.rating.rules.absolute import Absolute
from wattmark.rating.two_digits import energy_text, percent_text, rounded
from wattmark.rating.what_would_change import Change, How, changes, what_would_change

LIMITS = Absolute((0.3, 1.0, 3.0, 8.0))
QUINTILE, BANDS = find_rule("quintile"), find_rule("aies-2025")
every_rule = pytest.mark.parametrize("rule", [QUINTILE, BANDS, LIMITS], ids=lambda r: r.name)
populations = st.lists(
    st.one_of(st.floats(0.01, 20), st.integers(1, 9).map(float)), min_size=2, max_size=25
)
often = settings(derandomize=True, deadline=None, max_examples=150)


def star(rule: Rule, own: float, others: list[float]) -> int:
    return int(rule.stars(np.array([own, *others]))[0])


def reaches(change: Change, then: int) -> bool:
    """Whether these stars are what the change says."""
    if not change.or_more:
        return then == change.then
    return then >= change.then if change.then > change.now else then <= change.then


def beyond(change: Change, energy: float) -> bool:
    return energy < change.energy if change.under else energy > change.energy


def just_beyond(change: Change) -> float:
    return math.nextafter(change.energy, 0.0 if change.under else math.inf)


@every_rule
@given(values=populations, nearness=st.floats(0.0, 1.0))
@often
def test_what_a_sentence_says_is_so(rule: Rule, values: list[float], nearness: float) -> None:
    own, *others = values
    for change in changes(np.array(values), 0, rule, min_population=1):
        assert change.now == star(rule, own, others) != change.then
        if change.how is How.OWN:
            assert star(rule, just_beyond(change), others) == change.then
            further = change.energy * (nearness if change.under else 1 + nearness)
            assert (
                further == 0
                or not beyond(change, further)
                or ((star(rule, further, others) - change.then) * (change.then - change.now) >= 0)
            )
        elif change.how is How.JOIN:
            # any that are under it do, be they near or far
            far = change.energy * (1e-3 ** (1 - nearness) if change.under else 1e3**nearness)
            for energy in (just_beyond(change), far):
                if beyond(change, energy):
                    assert reaches(change, star(rule, own, others + [energy] * change.count))
                fewer = star(rule, own, others + [energy] * (change.count - 1))
                assert fewer == change.now
        else:
            beside = sorted(
                (v for v in others if (v < own if change.under else v > own)),
                reverse=not change.under,
            )
            rest = [v for v in others if v not in beside]
            assert star(rule, own, rest + beside[change.count - 1 :]) == change.now
            if change.extreme:
                assert star(rule, own, rest + beside[change.count :]) == change.then
                continue
            assert sum(beyond(change, v) for v in beside) >= change.count
            first = round(nearness * (len(beside) - change.count))
            stay = beside[:first] + beside[first + change.count :]
            assert reaches(change, star(rule, own, rest + stay))


@every_rule
@given(values=populations, at=st.integers(0, 1))
@often
def test_what_is_not_said_does_not_happen(rule: Rule, values: list[float], at: int) -> None:
    others = values[:at] + values[at + 1 :]
    own, now = values[at], star(rule, values[at], others)
    said = {(c.how, c.under) for c in changes(np.array(values), at, rule)}
    for under in (True, False):
        energy = 1e-6 if under else 1e6
        if (How.JOIN, under) not in said:
            assert star(rule, own, others + [energy] * 2 * len(values)) == now
        if (How.OWN, under) not in said:
            assert star(rule, energy, others) == now
    assert all(how is not How.LEAVE for how, _ in said) or len(values) > rule.min_population


def test_sentences_under_each_rule() -> None:
    energies = np.array([0.5, 0.61, 0.8, 0.9, 1.1, 1.2, 2.0, 2.5, 3.0, 9.0])

    assert what_would_change(energies, 2, QUINTILE) == (
        "4★ → 5★ below 0.61 Wh (−24 %)",
        "4★ → 3★ above 1.1 Wh (+38 %)",
        "4★ → 3★ if 4 more results under 0.8 Wh join",
        "4★ → 5★ if 1 more result over 0.8 Wh joins",
        "4★ → 5★ if 1 result under 0.8 Wh leaves",
        "4★ → 3★ if 5 results over 0.8 Wh leave",
    )
    assert what_would_change(energies, 9, BANDS) == (
        "1★ → 2★ below 2.4 Wh (−74 %)",
        "1★ → 2★ or more if 1 more result over 12 Wh joins",
    )
    assert what_would_change(energies, 5, BANDS) == (
        "5★ → 4★ above 2.2 Wh (+84 %)",
        "5★ → 4★ if the result of most energy leaves",
    )
    assert what_would_change(energies, 9, LIMITS) == ("1★ → 2★ below 8 Wh (−12 %)",)


def test_a_population_that_leaving_would_make_too_small_is_not_said_to_change() -> None:
    five = np.array([1.0, 2.0, 3.0, 4.0, 5.0])

    assert {c.how for c in changes(five, 2, QUINTILE)} == {How.OWN, How.JOIN}


@given(st.floats(1e-9, 1e9), st.booleans(), st.integers(2, 5))
@often
def test_rounding_goes_to_the_side_that_is_asked_for(
    energy: float, down: bool, digits: int
) -> None:
    def fits(x: float) -> bool:
        return len(f"{x:.15e}".split("e")[0].replace(".", "").rstrip("0")) >= digits

    found = rounded(energy, down=down)
    assert found <= energy if down else found >= energy
    assert found == pytest.approx(energy, rel=0.1)
    finer = rounded(energy, down=down, fits=fits)
    assume(fits(finer))
    assert abs(finer - energy) <= abs(found - energy)


@given(st.floats(1e-12, 1e12), st.sampled_from(["Wh", "J", ""]))
@often
def test_an_energy_is_shown_with_all_its_digits(energy: float, unit: str) -> None:
    text = energy_text(rounded(energy, down=True), unit)
    number, prefix = re.fullmatch(rf"([0-9.]+) ?([GMkmµn]?){unit}", text).groups()
    factor = {"G": 1e9, "M": 1e6, "k": 1e3, "": 1, "m": 1e-3, "µ": 1e-6, "n": 1e-9}[prefix]

    assert float(number) * factor == pytest.approx(rounded(energy, down=True), rel=1e-12)


def test_units_and_percents_read_well() -> None:
    shown = [energy_text(e, "Wh") for e in (0.61, 0.061, 12.0, 1200.0, 2.5e-7, 990.0)]
    assert shown == ["0.61 Wh", "61 mWh", "12 Wh", "1.2 kWh", "250 nWh", "990 Wh"]
    assert energy_text(12.0, "") == "12"
    assert [percent_text(p) for p in (-7.61, 11.2, 0.0, 370.4)] == [
        "−7.7 %",
        "+12 %",
        "+0 %",
        "+380 %",
    ]


def test_rate_says_why_in_a_column_on_request(tmp_path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    energies = [1.0, 2.0, 3.0, 4.0, 5.0, None]
    write_table(pa.table({"name": list("abcdef"), "energy_wh": energies}), source)
    ran = CliRunner().invoke(app, ["rate", str(source), "--why", "--out", str(out)])
    rows = read_table(out).to_pylist()

    assert ran.exit_code == 0
    assert rows[0]["what_would_change"] == (
        "5★ → 4★ above 2 Wh (+100 %); 5★ → 4★ if 2 more results under 1 Wh join"
    )
    assert not rows[5]["what_would_change"] and rows[5]["unrated_reason"] == "no_energy"
    again = CliRunner().invoke(app, ["rate", str(out), "--why"])
    assert "has a column 'stars' already" in str(again.exception)
