"""Rules, limits, classes, standings and draws at both sides of their borders, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic_run import MEASURED, make_result

from wattmark.errors import RatingError
from wattmark.quantities import Grade, Quantity
from wattmark.rating import find_rule, rate_results
from wattmark.rating.columns import Columns, least_population, rate_columns
from wattmark.rating.confidence import boundary_distance_pct
from wattmark.rating.distributions import Comparable, Energies
from wattmark.rating.draws import draws_for, normal_blocks
from wattmark.rating.model_class import class_within, memory_gb, model_class
from wattmark.rating.pareto import Point, Standing, dominates, hypervolume, pareto
from wattmark.rating.rules.absolute import Absolute
from wattmark.rating.star_limits import born, by_population, checked, rescale_due

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


def test_a_result_has_the_grade_of_its_own_energy() -> None:
    results = [make_result(label, *figures) for label, figures in MEASURED.items()]
    *others, last = results
    (cpu,) = last.energy
    metered = cpu.per_query.model_copy(update={"grade": Grade.METERED})
    plugged = last.model_copy(update={"energy": (cpu.model_copy(update={"per_query": metered}),)})
    found = rate_results([*others, plugged])
    assert found[-1].unrated_reason == "grade_differs"
    assert rate_results([*others, last])[-1].unrated_reason != "grade_differs"
    nothing = last.model_copy(update={"energy": (), "energy_relative": None})
    assert rate_results([*others, nothing])[-1].unrated_reason == "no_energy"


def test_positions_within_a_band_and_on_its_border() -> None:
    assert BANDS.stars(np.array([0.0, 1.99, 2.0, 4.0, 6.0, 8.0, 10.0])).tolist() == [
        *(5, 5, 4, 3, 2, 1, 1)
    ]
    assert QUINTILE.stars(np.array([1.0, 1.0, 2.0, 3.0, 3.0])).tolist() == [5, 5, 3, 2, 2]
