import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import RatingError, UnknownNameError
from wattmark.rating import LimitedRule, Rule, find_rule, needs_limits
from wattmark.rating.rules.absolute import Absolute

PUBLISHED = Path(__file__).parent / "fixtures" / "aies-2025"
GROUPS = [
    ("asr", None),
    ("image_classification", None),
    *(("text_generation", c) for c in "ABC"),
]

COMPARING = [find_rule("quintile"), find_rule("aies-2025")]
rules = pytest.mark.parametrize("rule", COMPARING, ids=lambda r: r.name)
every_rule = pytest.mark.parametrize(
    "rule", [*COMPARING, Absolute((10.0, 100.0, 1000.0, 5000.0))], ids=lambda r: r.name
)
#: whole numbers: positions within the range are then either on a border or clearly off it
energies = st.lists(st.integers(1, 10_000), min_size=5, max_size=40)
exact = settings(derandomize=True, deadline=None)


def stars(rule: Rule, values: list[float] | list[int]) -> list[int]:
    return rule.stars(np.array(values, dtype=float)).tolist()


@pytest.mark.parametrize(("table", "group"), GROUPS)
def test_aies_2025_gives_every_published_star(table: str, group: str | None) -> None:
    with (PUBLISHED / f"{table}.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("class") == group]

    assert len(rows) >= 3
    assert stars(find_rule("aies-2025"), [float(r["total_gpu_energy"]) for r in rows]) == [
        int(r["energy_score"]) for r in rows
    ]


def test_quintiles_differ_from_what_was_published() -> None:
    with (PUBLISHED / "asr.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    given_stars = stars(find_rule("quintile"), [float(r["total_gpu_energy"]) for r in rows])

    assert [given_stars.count(n) for n in (5, 4, 3, 2, 1)] == [3, 3, 2, 3, 2]
    assert sum(g == int(r["energy_score"]) for g, r in zip(given_stars, rows, strict=True)) == 4


def test_five_entries_take_five_to_one_stars_by_quintile() -> None:
    assert stars(find_rule("quintile"), [3.0, 1.0, 100.0, 2.0, 4.0]) == [3, 5, 1, 4, 2]


def test_ties_share_the_better_star() -> None:
    assert stars(find_rule("quintile"), [1, 2, 2, 2, 3]) == [5, 4, 4, 4, 1]


def test_bands_are_equal_parts_of_the_range_and_a_border_belongs_to_the_band_above() -> None:
    # 1.2 to 1.8 lie on borders; 5 (1.2 - 1.0) is below 1 in binary arithmetic
    on_borders = [1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0]

    assert stars(find_rule("aies-2025"), on_borders) == [5, 5, 4, 3, 2, 1, 1]


@rules
def test_where_all_are_equal_all_get_five(rule: Rule) -> None:
    assert stars(rule, [0.3] * 7) == [5] * 7


@rules
@given(values=energies, seed=st.integers(0, 99))
@exact
def test_order_does_not_matter(rule: Rule, values: list[int], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(values))
    before = stars(rule, values)

    assert stars(rule, [values[i] for i in order]) == [before[i] for i in order]


@rules
@given(values=energies, unit=st.floats(1e-6, 1e6))
@exact
def test_the_unit_does_not_matter(rule: Rule, values: list[int], unit: float) -> None:
    assert stars(rule, [unit * v for v in values]) == stars(rule, values)


@rules
@given(values=energies)
@exact
def test_less_energy_never_has_fewer_stars_and_equal_energy_has_equal_stars(
    rule: Rule, values: list[int]
) -> None:
    given_stars = stars(rule, values)

    assert set(given_stars) <= {1, 2, 3, 4, 5}
    assert given_stars[values.index(min(values))] == 5
    pairs = sorted(zip(values, given_stars, strict=True))
    for (a, star_a), (b, star_b) in pairwise(pairs):
        assert star_a >= star_b
        assert a < b or star_a == star_b


@given(values=st.lists(st.integers(1, 10**9), min_size=5, max_size=60, unique=True))
@exact
def test_quintile_groups_differ_by_at_most_one_entry(values: list[int]) -> None:
    given_stars = stars(find_rule("quintile"), values)
    sizes = [given_stars.count(n) for n in range(1, 6)]

    assert max(sizes) - min(sizes) <= 1


@rules
@given(values=energies, at=st.integers(0, 4))
@exact
def test_a_star_changes_at_the_boundaries_and_nowhere_between(
    rule: Rule, values: list[int], at: int
) -> None:
    population = np.array(values, dtype=float)
    others = np.delete(population, at)
    own = population[at : at + 1]
    borders = np.unique([rule.border(np.sort(population), own, cut)[0] for cut in range(1, 5)])

    def star(energy: float) -> int:
        return stars(rule, [energy, *others])[0]

    for border in borders:
        assert star(border * (1 - 1e-6)) > star(border * (1 + 1e-6))
    edges = [borders[0] / 2, *borders, borders[-1] * 2]
    for low, high in pairwise(edges):
        inside = low + (high - low) * np.array([1e-6, 0.3, 0.7, 1 - 1e-6])
        assert len({star(e) for e in inside}) == 1


@every_rule
@given(values=energies, at=st.integers(0, 4), other=st.integers(1, 20_000))
@exact
def test_who_joins_or_leaves_moves_a_star_to_one_side_only(
    rule: Rule, values: list[int], at: int, other: int
) -> None:
    own, before = values[at], stars(rule, values)[at]
    joined = stars(rule, [*values, other])[at]
    assert joined <= before if other < own else joined >= before

    for i in range(5):
        if i != at:
            left = stars(rule, values[:i] + values[i + 1 :])[at - (i < at)]
            raised = stars(rule, [*values[:i], values[i] + other, *values[i + 1 :]])[at]
            assert values[i] == own or (left >= before if values[i] < own else left <= before)
            assert raised >= before


@every_rule
@given(values=energies)
@exact
def test_an_entry_of_less_energy_has_no_lower_border(rule: Rule, values: list[int]) -> None:
    ordered = np.sort(np.array(values, dtype=float))
    for cut in range(1, 5):
        assert (np.diff(rule.border(ordered, ordered, cut)) <= 0).all()


@pytest.mark.parametrize("n", [2, 3, 4])
def test_under_five_entries_some_stars_are_out_of_reach(n: int) -> None:
    quintile, ordered = find_rule("quintile"), np.arange(1.0, n + 1)
    borders = [float(quintile.border(ordered, ordered[-1:], cut)[0]) for cut in range(1, 5)]

    assert 5 - sum(np.isfinite(borders)) == stars(quintile, ordered.tolist())[-1]


@rules
def test_populations_can_be_rated_row_by_row_at_once(rule: Rule) -> None:
    many = np.random.default_rng(1).integers(1, 20, (50, 9)).astype(float)

    assert rule.stars(many).tolist() == [rule.stars(row).tolist() for row in many]


@rules
def test_a_rule_has_a_name_a_version_and_a_text(rule: Rule) -> None:
    assert find_rule(rule.name) == rule
    fewest = {"quintile": 5, "aies-2025": 2}[rule.name]
    assert (rule.version, rule.min_population) == (1, fewest)
    assert "5 stars" in rule.text


def test_an_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'quintile'"):
        find_rule("quintiles")


def test_fixed_limits_have_a_text_before_they_are_given_and_no_stars() -> None:
    rule = find_rule("absolute")

    assert isinstance(rule, LimitedRule)
    assert "limits of energy, which each population has of its own" in rule.text
    with pytest.raises(RatingError, match="rule absolute needs the limits of each population"):
        stars(rule, [1.0])
    given_limits = rule.with_limits((1.0, 2.0, 3.0, 4.0))
    assert "5 up to 1, 4 up to 2, 3 up to 3, 2 up to 4, 1 above" in given_limits.text
    assert stars(given_limits, [1.0, 1.1, 4.0, 4.1]) == [5, 4, 2, 1]
    assert given_limits.min_population == 1  # who else is there does not matter


def test_rules_that_compare_need_no_limits() -> None:
    assert [needs_limits(rule.name) for rule in COMPARING] == [False, False]
    assert needs_limits("absolute")
