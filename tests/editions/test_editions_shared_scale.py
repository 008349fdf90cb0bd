"""P(star) where energies share a scale: what all of them have in common moves no star."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from plain_resampling import Group, plainly_resampled
from scipy.stats import norm
from shelves import a_run

from wattmark.editions.edition import opened, stars, with_entries
from wattmark.editions.edition_files import entry_of
from wattmark.rating import Rule, find_rule
from wattmark.rating.columns import Columns, rate_columns
from wattmark.rating.confidence import star_shares
from wattmark.rating.distributions import Comparable
from wattmark.rating.rules.absolute import Absolute
from wattmark.rating.unrated import Unrated
from wattmark.records import bundle_of

Floats = NDArray[np.float64]

LEVEL = 0.9
Z = float(norm.ppf((1 + LEVEL) / 2))


def a_group(size: int, seed: int, machines: int) -> tuple[Group, Comparable]:
    """Energies within a factor of three, each to 5 to 20 % on the scale of one of the machines.

    A machine "" has no scale: its intervals are all its own.
    """
    rng = np.random.default_rng(seed)
    value = np.exp(rng.uniform(0, 1.1, size))
    own = np.exp(rng.uniform(0.05, 0.2, size))
    machine = rng.integers(0, machines, size)
    names = np.array(["", "this machine", "that machine", "a third"], dtype=object)[
        machine if machines > 1 else machine + 1
    ]
    whole = np.where(names == "", own, 3.0)
    no = names == ""
    comparable = Comparable(
        np.where(no, np.nan, value / own), np.where(no, np.nan, value * own), names
    )
    return (value / whole, value, value * whole, np.full(size, LEVEL)), comparable


@pytest.mark.parametrize("rule", [find_rule("quintile"), find_rule("aies-2025")])
@pytest.mark.parametrize(
    ("size", "seed", "machines"), [(5, 1, 1), (8, 2, 4), (14, 3, 2), (60, 4, 3), (200, 5, 4)]
)
def test_it_is_what_plain_resampling_gives_to_a_hundredth(
    rule: Rule, size: int, seed: int, machines: int
) -> None:
    group, comparable = a_group(size, seed, machines)

    shares = star_shares(*group, rule, comparable=comparable)

    assert np.abs(shares - plainly_resampled(group, rule, 100_000, comparable)).max() < 0.01


@pytest.mark.parametrize("rule", ["quintile", "aies-2025"])
def test_what_all_share_moves_no_star(rule: str) -> None:
    (low, value, high, level), comparable = a_group(20, 6, 1)
    chosen = find_rule(rule)
    own_only = star_shares(comparable.low, value, comparable.high, level, chosen)

    shared = star_shares(low, value, high, level, chosen, comparable=comparable)
    unshared = star_shares(low, value, high, level, chosen)

    np.testing.assert_allclose(shared, own_only, atol=0.004)
    given = chosen.stars(value) - 1, np.arange(20)
    assert shared[given].mean() > 0.7 > 0.35 > unshared[given].mean()


def test_under_fixed_limits_the_whole_interval_counts() -> None:
    (low, value, high, level), comparable = a_group(20, 7, 2)
    rule = Absolute((1.0, 1.4, 2.0, 2.8))
    sigma = np.log(high / low) / (2 * Z)

    shares = star_shares(low, value, high, level, rule, comparable=comparable)

    below = norm.cdf((np.log(rule.limits)[:, None] - np.log(value)) / sigma)
    expected = np.diff(np.vstack([0 * value, below, 0 * value + 1]), axis=0)[::-1]
    np.testing.assert_allclose(shares, expected, atol=0.002)


def test_neither_the_order_of_rows_nor_the_names_of_scales_matter() -> None:
    group, comparable = a_group(24, 8, 4)
    rule, at = find_rule("quintile"), np.random.default_rng(0).permutation(24)
    names = {"": "", "this machine": "z", "that machine": "a", "a third": "m"}
    renamed = np.array([names[n] for n in comparable.scale], dtype=object)

    shares = star_shares(*group, rule, comparable=comparable)
    moved = star_shares(*(part[at] for part in group), rule, comparable=comparable.rows(at))
    other = star_shares(
        *group, rule, comparable=Comparable(comparable.low, comparable.high, renamed)
    )

    np.testing.assert_array_equal(moved, shares[:, at])
    np.testing.assert_array_equal(other, shares)


def test_one_that_is_exact_but_for_the_scale_moves_with_the_others() -> None:
    value = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    scale = np.full(5, "one machine", dtype=object)
    comparable = Comparable(value, value, scale)

    shares = star_shares(
        value / 3, value, value * 3, np.full(5, LEVEL), find_rule("quintile"), comparable=comparable
    )

    assert np.argmax(shares, axis=0).tolist() == [4, 3, 2, 1, 0]
    np.testing.assert_array_equal(shares.max(axis=0), 1.0)


def test_without_a_scale_nothing_is_other_than_before() -> None:
    group, _ = a_group(30, 9, 1)
    rule = find_rule("quintile")
    nan = np.full(30, np.nan)

    none = Comparable(nan, nan, np.full(30, "", dtype=object))

    np.testing.assert_array_equal(
        star_shares(*group, rule, comparable=none), star_shares(*group, rule)
    )


@pytest.mark.parametrize("bad", [(0.0, 1.2), (1.1, 1.2), (0.8, 0.9), (0.8, np.inf), (np.nan, 1.2)])
def test_a_comparable_interval_without_its_value_is_not_rated(bad: tuple[float, float]) -> None:
    value = np.ones(6)
    low, high = 0.9 * value, 1.1 * value
    low[0], high[0] = bad
    comparable = Comparable(low, high, np.full(6, "one machine", dtype=object))
    columns = Columns(
        value, np.full(6, "g", dtype=object), value / 3, value * 3, 0.9, comparable=comparable
    )

    rated = rate_columns(columns, resamples=64)

    assert rated.reason.tolist() == [Unrated.NO_USABLE_INTERVAL, *[""] * 5]


def test_results_of_one_machine_are_compared_by_what_is_their_own() -> None:
    """Modelled energies are sure to a factor of 2.5, and to 10 % among each other."""

    def mean_probability(machines: list[str]) -> float:
        run, entries = a_run(), []
        for i, result in enumerate(run.results):
            host = {"hostname": machines[i % len(machines)]}
            environment = run.environment.model_copy(update=host)
            there = run.model_copy(update={"environment": environment})
            entries.append(entry_of(bundle_of(there), result))
        given = stars(
            with_entries(opened("2026-H1", "quintile", None), tuple(entries), "2026-06-01")
        )
        return float(np.mean([s.probability for s in given if s.probability is not None]))

    assert mean_probability(["one"]) == mean_probability(["other"]) > 0.8
    assert mean_probability(["one", "other"]) < 0.6
