"""Rules, limits, classes, standings and sentences at both sides of their borders, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattmark.errors import RatingError
from wattmark.quantities import Quantity
from wattmark.rating import find_rule
from wattmark.rating.columns import Columns, least_population, rate_columns
from wattmark.rating.confidence import boundary_distance_pct
from wattmark.rating.distributions import Comparable, Energies
from wattmark.rating.draws import draws_for, normal_blocks
from wattmark.rating.limits import born, by_population, checked, rescale_due
from wattmark.rating.model_class import class_within, memory_gb, model_class
from wattmark.rating.pareto import Point, Standing, dominates, hypervolume, pareto
from wattmark.rating.rules import installed_rules
from wattmark.rating.rules.absolute import Absolute
from wattmark.rating.stability import what_if
from wattmark.rating.two_digits import energy_text, percent_text, rounded
from wattmark.rating.what_would_change import Change, How

QUINTILE, BANDS = find_rule("quintile"), find_rule("aies-2025")


def columns(values: list[float], group: str = "", **more: object) -> Columns:
    names = list(group) if group else ["x"] * len(values)
    return Columns(np.array(values, dtype=float), np.array(names, dtype=object), **more)


def test_classes_end_with_the_memory_of_a_card() -> None:
    assert memory_gb(1e9) == pytest.approx(2.4)
    assert memory_gb(1e9, 1.0) == pytest.approx(1.2)
    found = [model_class(gb / 2.4 * 1e9) for gb in (1.0, 23.9, 24.1, 79.9, 80.1)]
    assert found == ["A", "A", "B", "B", "C"]
    assert model_class(10e9) == "A"  # 24 GB fit
    assert class_within("reasoning", 1e9) == class_within("text-generation", 1e9) == "A"
    assert class_within("text-generation", None) == class_within("text-classification", 1e9) == ""


def test_limits_are_born_in_equal_ratios_and_no_narrower_than_a_quarter() -> None:
    assert born(np.array([16.0, 1.0, 3.0])) == pytest.approx((0.5, 2.0, 4.0, 8.0))
    narrow = born(np.array([1.0, 1.1]))
    assert narrow == pytest.approx((0.8, 1.25, 1.25**2, 1.25**3))


@pytest.mark.parametrize("limits", [(0.0, 1, 2, 3), (1, 1, 2, 3), (1, 2, 3, 3), (-1, 1, 2, 3)])
def test_limits_rise_from_above_zero(limits) -> None:
    with pytest.raises(RatingError, match="do not rise from above zero"):
        checked(limits)
    with pytest.raises(RatingError):
        Absolute(limits)
    assert checked((0.1, 0.2, 0.3, 0.4)) == (0.1, 0.2, 0.3, 0.4)
    rules = by_population(Absolute(), {"a": (1.0, 2.0, 3.0, 4.0)})
    assert rules == {"a": Absolute((1.0, 2.0, 3.0, 4.0))}


@pytest.mark.parametrize(
    ("stars", "due"),
    [
        ([5] * 3 + [1] * 7, True),  # 30 % at the top
        ([5] * 29 + [1] * 71, False),
        ([4] * 5 + [1] * 5, True),  # a half in the top two
        ([4] * 49 + [1] * 51, False),
        ([5] * 3 + [1] * 7 + [0] * 90, True),  # the unrated do not count
        ([0, 0], False),
        ([], False),
    ],
)
def test_limits_are_due_when_many_have_come_to_the_top(stars: list[int], due: bool) -> None:
    assert rescale_due(np.array(stars, dtype=np.int64)) is due


def point(name: str, cost: tuple[float, float, float], quality: tuple[float, float, float]):
    return Point(
        name,
        Quantity.between(cost[1], cost[0], cost[2], "J"),
        Quantity.between(quality[1], quality[0], quality[2], "%"),
    )


@pytest.mark.parametrize(
    ("a", "b", "better"),
    [
        ((1, 5), (1, 5), False),
        ((1, 5), (2, 5), True),
        ((1, 5), (1, 4), True),
        ((1, 4), (2, 5), False),
        ((2, 5), (1, 4), False),
    ],
)
def test_who_dominates_whom(a, b, better) -> None:
    assert dominates(a, b) is better


def test_what_intervals_that_touch_say() -> None:
    good = point("good", (1, 2, 3), (70, 80, 90))
    touching = point("touching", (3, 4, 5), (50, 60, 70))
    beyond = point("beyond", (2.9, 4, 5), (50, 60, 70))
    found = {p.point.name: (p.standing, p.by) for p in pareto([good, touching])}
    # at their worst and best they would be the same point, and neither better
    assert found == {"good": (Standing.FRONT, ""), "touching": (Standing.MAYBE, "good")}
    assert pareto([good, beyond])[1].standing is Standing.MAYBE
    apart = point("apart", (3, 4, 5), (50, 60, 69))
    assert pareto([good, apart])[1].standing is Standing.DOMINATED
    assert pareto([apart, good])[0].by == "good"


def test_a_hypervolume_by_hand() -> None:
    points = [point("a", (1, 1, 1), (50, 50, 50)), point("b", (3, 3, 3), (80, 80, 80))]
    # to cost 5 and quality 40: 4 x 10 of a, 2 x 30 more of b
    assert hypervolume(points, 5, 40) == 100.0
    assert hypervolume(points, 3, 40) == 20.0  # b is on the edge
    assert hypervolume(points, 5, 50) == 60.0
    assert hypervolume(points, 5, 80) == 0.0
    # errors: 50 and 80 of at most 90, of which less is better
    assert hypervolume(points, 5, 90, higher_is_better=False) == 4 * 40


def test_populations_of_at_least_two_unless_nobody_else_matters() -> None:
    assert [least_population(QUINTILE, asked) for asked in (None, 1, 2, 3)] == [5, 2, 2, 3]
    assert least_population(Absolute((1, 2, 3, 4)), 7) == 1
    assert rate_columns(columns([1, 2, 3, 4, 5])).stars.tolist() == [5, 4, 3, 2, 1]
    assert set(rate_columns(columns([1, 2, 3, 4])).reason) == {"population_too_small"}
    assert rate_columns(columns([1, 2]), min_population=2).stars.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("value", "low", "high", "level", "reason"),
    [
        (5.0, 4.0, 6.0, 0.95, ""),
        (5.0, 5.0, 5.0, 1.0, ""),
        (5.0, 4.0, 6.0, 0.0, "no_usable_interval"),
        (5.0, 0.0, 6.0, 0.95, "no_usable_interval"),
        (5.0, 5.1, 6.0, 0.95, "no_usable_interval"),
        (5.0, 4.0, 4.9, 0.95, "no_usable_interval"),
        (5.0, 4.0, math.inf, 0.95, "no_usable_interval"),
        (5.0, math.nan, math.nan, 0.95, "no_usable_interval"),
        (0.0, 0.0, 6.0, 0.95, "no_energy"),
        (math.nan, 4.0, 6.0, 0.95, "no_energy"),
        (math.inf, 4.0, 6.0, 0.95, "no_energy"),
    ],
)
def test_an_energy_and_its_interval_are_above_zero(value, low, high, level, reason) -> None:
    others = [1.0, 2.0, 3.0, 4.0, 9.0]
    found = rate_columns(
        columns(
            [*others, value],
            low=np.array([*others, low]),
            high=np.array([*others, high]),
            level=np.array([0.95] * 5 + [level]),
        ),
        resamples=1,
    )
    assert found.reason.tolist() == [""] * 5 + [reason]


def test_an_interval_among_those_of_its_scale_is_usable_too() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    scale = np.array(["s", "s", "", "s", "s", "s"], dtype=object)
    own_low = np.array([0.9, 2.1, np.nan, 3.9, 4.9, 5.9])
    comparable = Comparable(own_low, values + 0.5, scale)
    found = rate_columns(
        columns(values.tolist(), low=values / 2, high=values * 2, comparable=comparable),
        resamples=1,
    )
    assert found.reason.tolist() == ["", "no_usable_interval", "", "", "", ""]


def test_a_row_without_a_name_is_never_the_usual_one() -> None:
    hardware = np.array(["L4", None, "L4", None, None, "L4", "L4", "L4"], dtype=object)
    found = rate_columns(columns([1, 2, 3, 4, 5, 6, 7, 8], hardware=hardware))
    assert [bool(r) for r in found.reason] == [h is None for h in hardware]
    nobody = np.array([None] * 5, dtype=object)
    assert rate_columns(columns([1, 2, 3, 4, 5], hardware=nobody)).stars.tolist() == [5, 4, 3, 2, 1]
    gate = np.array([True] * 5 + [False])
    found = rate_columns(columns([1, 2, 3, 4, 5, 6], gate=gate))
    assert found.reason.tolist() == [""] * 5 + ["quality_gate"]


def test_what_is_not_asked_for_is_left_out() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    both = {"low": np.array(values), "high": np.array(values)}
    plain = rate_columns(columns(values, **both))
    assert plain.shares is None
    assert plain.probability.tolist() == [1.0] * 5
    assert plain.distance_pct == pytest.approx([100, 50, 100 / 3, 25, 20])
    bare = rate_columns(columns(values, **both), resamples=0, distances=False)
    assert np.isnan(bare.probability).all() and np.isnan(bare.distance_pct).all()
    shares = rate_columns(columns(values, **both), all_shares=True).shares
    assert shares is not None and shares.tolist() == np.eye(5)[::-1].tolist()
    own = rate_columns(columns([1.0, 9.0], "ab"), {"a": Absolute((0.5, 2.0, 3.0, 4.0))})
    assert (own.stars.tolist(), own.reason.tolist()) == ([4, 0], ["", "no_limits"])


def test_the_nearest_border_counts_on_either_side() -> None:
    limits = Absolute((1.0, 2.0, 4.0, 8.0))
    found = boundary_distance_pct(np.array([0.5, 1.5, 3.9, 10.0]), limits)
    assert found == pytest.approx([100.0, 100 / 3, 100 * (4 / 3.9 - 1), 20.0])


def test_energies_are_log_normal_uniform_or_fixed() -> None:
    value = np.array([4.0, 4.0, 4.0, 4.0])
    low, high = np.array([2.0, 2.0, 4.0, 2.0]), np.array([8.0, 8.0, 4.0, 8.0])
    level = np.array([0.95, 1.0, 0.95, 0.95])
    comparable = Comparable(
        np.array([4 / 1.2, np.nan, np.nan, 4 / 1.2]),
        np.array([4 * 1.2, np.nan, np.nan, 4 * 1.2]),
        np.array(["m", "", "", "other"], dtype=object),
    )
    found = Energies.of(low, value, high, level, comparable)
    whole, own = math.log(4) / (2 * 1.959964), math.log(1.44) / (2 * 1.959964)
    assert found.sigma == pytest.approx([own, 0.0, 0.0, own])
    shared = math.sqrt(whole**2 - own**2)
    assert found.sigma_scale == pytest.approx([shared, 0.0, 0.0, shared])
    assert (found.scale.tolist(), found.scales) == ([0, 0, 0, 1], 2)
    assert found.hard.tolist() == [False, True, False, False]
    assert found.fixed.tolist() == [2]
    assert found.lowest == pytest.approx(
        [4 * math.exp(-4.5 * (own + shared)), 2, 4, found.lowest[0]]
    )
    assert found.highest == pytest.approx([16 / found.lowest[0], 8, 4, 16 / found.lowest[0]])
    # one draw: the two scales at 1 and -1, own parts at 0.5 and middles of the others
    drawn, scale = found.drawn(np.array([[1.0, -1.0, 0.5, 0.0, 3.0, 0.5]]))
    expected = [4 * math.exp(own / 2 + shared), 4.0, 4.0, 4 * math.exp(own / 2 - shared)]
    assert drawn[0] == pytest.approx(expected)
    assert scale is not None and scale[0] == pytest.approx([shared, 0.0, 0.0, -shared])
    at = np.array([0, 1])
    below = found.below(np.array([[4 * math.exp(shared), 4.0]]), scale, at)
    assert below[0] == pytest.approx([0.5, 0.5])
    upper = found.below(np.array([[4 * math.exp(shared + own), 99.0]]), scale, at)
    assert upper[0] == pytest.approx([0.8413, 1.0], abs=2e-4)


def test_draws_are_powers_of_two_and_the_same_for_a_seed() -> None:
    assert [draws_for(n, 1000) for n in (1, 200, 400, 10**9)] == [1024, 1024, 512, 128]
    assert [draws_for(5, resamples) for resamples in (2, 3, 4)] == [2, 4, 4]
    (block,) = normal_blocks(3, 256, 1)
    assert block.shape == (256, 3)
    (again,), (other,) = normal_blocks(3, 256, 1), normal_blocks(3, 256, 2)
    assert (block == again).all() and (block != other).any()
    assert np.abs(block.mean(axis=0)).max() < 0.02 and np.abs(block.std(axis=0) - 1).max() < 0.03
    (wide,) = normal_blocks(30_000, 2, 1)  # more than Sobol points have dimensions
    assert wide.shape == (2, 30_000) and np.isfinite(wide).all()


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


def test_positions_within_a_band_and_on_its_border() -> None:
    assert BANDS.stars(np.array([0.0, 1.99, 2.0, 4.0, 6.0, 8.0, 10.0])).tolist() == [
        *(5, 5, 4, 3, 2, 1, 1)
    ]
    assert QUINTILE.stars(np.array([1.0, 1.0, 2.0, 3.0, 3.0])).tolist() == [5, 5, 3, 2, 2]
