"""P(star): what many plain resamples would give, with few draws, in any order, in little memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from plain_resampling import Group, plainly_resampled
from scipy.stats import norm

from wattmark.rating import draws as draws_module
from wattmark.rating import find_rule
from wattmark.rating.columns import Columns, rate_columns
from wattmark.rating.confidence import boundary_distance_pct, star_shares
from wattmark.rating.draws import draws_for, normal_blocks
from wattmark.rating.rules.absolute import Absolute

Floats = NDArray[np.float64]


def a_group(size: int, seed: int) -> Group:
    """Energies that are alike, apart, or in between, with intervals from narrow to wide."""
    rng = np.random.default_rng(seed)
    value = np.exp(rng.normal(0, rng.choice([0.05, 0.3, 1.0]), size))
    spread = np.exp(rng.uniform(0.005, rng.choice([0.05, 0.5]), size))
    return value / spread, value, value * spread, np.full(size, 0.95)


@pytest.mark.parametrize("rule", ["quintile", "aies-2025"])
@pytest.mark.parametrize(("size", "seed"), [(5, 1), (8, 2), (14, 3), (27, 4), (60, 5), (200, 6)])
def test_it_is_what_plain_resampling_gives_to_a_hundredth(rule: str, size: int, seed: int) -> None:
    group, chosen = a_group(size, seed), find_rule(rule)
    shares = star_shares(*group, chosen)

    # single ones of 10 000 plain resamples are themselves off by up to 0.02
    off = shares - plainly_resampled(group, chosen, 10_000)
    assert np.sqrt((off**2).mean()) < 0.01
    assert np.abs(shares - plainly_resampled(group, chosen, 100_000)).max() < 0.01


def test_under_fixed_limits_it_is_the_normal_distribution() -> None:
    low, value, high, level = group = a_group(20, 7)
    rule = Absolute((0.9, 1.0, 1.1, 1.2))
    sigma = np.log(high / low) / (2 * norm.ppf((1 + level) / 2))

    below = norm.cdf((np.log(rule.limits)[:, None] - np.log(value)) / sigma)
    expected = np.diff(np.vstack([0 * value, below, 0 * value + 1]), axis=0)[::-1]
    np.testing.assert_allclose(star_shares(*group, rule), expected, atol=3e-4)


def test_entries_that_are_alike_are_equally_sure_and_order_does_not_matter() -> None:
    low, value, high, level = a_group(12, 8)
    twice = tuple(np.concatenate([part, part]) for part in (low, value, high, level))
    order = np.random.default_rng(0).permutation(24)
    shares = star_shares(*twice, find_rule("quintile"))
    moved = star_shares(*(part[order] for part in twice), find_rule("quintile"))

    np.testing.assert_array_equal(shares[:, :12], shares[:, 12:])
    np.testing.assert_array_equal(moved, shares[:, order])


def test_five_that_are_alike_have_each_star_as_often() -> None:
    one = np.ones(5)
    shares = star_shares(0.9 * one, one, one / 0.9, 0.95 * one, find_rule("quintile"))

    np.testing.assert_allclose(shares, 0.2, atol=0.001)


def test_exact_bounded_and_uncertain_energies_are_drawn_together() -> None:
    low = np.array([1.0, 2.0, 1.0, 4.0, 5.0])
    value = np.array([1.0, 2.0, 2.5, 4.0, 5.0])
    high = np.array([1.0, 2.0, 4.0, 4.0, 5.0])
    level = np.array([0.0, 0.95, 1.0, 1.0, 0.95])  # only the third can move: 1 to 4, evenly
    shares = star_shares(low, value, high, level, find_rule("quintile"))

    assert shares[:, 2].tolist() == pytest.approx([0, 0, 0.5, 0.5, 0], abs=0.001)
    assert shares[:, 1].tolist() == pytest.approx([0, 0, 0.5, 0.5, 0], abs=0.001)
    assert [int(np.argmax(column)) + 1 for column in shares.T[[0, 3, 4]]] == [5, 2, 1]
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)


def test_a_large_population_needs_fewer_draws_and_a_small_one_all() -> None:
    needed = {5: 8192, 200: 8192, 201: 4096, 1000: 1024, 10**6: 1024}
    assert {n: draws_for(n, 8192) for n in needed} == needed
    assert draws_for(5, 1) == 1
    assert draws_for(5, 2000) == 2048  # Sobol points come in powers of two


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = np.vstack(list(normal_blocks(7, 64, 3)))
    draws_module._kept.cache_clear()
    monkeypatch.setattr(draws_module, "BLOCK", 7 * 8)
    blocks = list(normal_blocks(7, 64, 3))
    draws_module._kept.cache_clear()

    assert len(blocks) == 8
    np.testing.assert_array_equal(np.vstack(blocks), at_once)
    assert np.isfinite(at_once).all() and abs(at_once.mean()) < 0.02


@pytest.mark.parametrize("rule", ["quintile", "aies-2025"])
def test_one_group_of_thirty_thousand_takes_less_memory_than_its_draws(rule: str) -> None:
    value = np.random.default_rng(0).lognormal(0, 1, 30_000)
    group = np.full(len(value), "one", dtype=object)
    tracemalloc.start()
    rated = rate_columns(Columns(value, group, 0.9 * value, value / 0.9), rule, resamples=2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 60e6 < 8 * len(value) * draws_for(len(value), 2000)
    assert np.isfinite(rated.probability).all() and np.isfinite(rated.distance_pct).all()


@pytest.mark.parametrize("rule", ["quintile", "aies-2025"])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_small_population_that_is_rated_on_request_has_everything(rule: str, size: int) -> None:
    value = np.arange(1.0, size + 1)
    group = np.full(size, "x", dtype=object)
    columns = Columns(value, group, 0.99 * value, value / 0.99)
    rated = rate_columns(columns, rule, min_population=size)

    assert (rated.stars > 0).all()
    assert rated.probability == pytest.approx(1.0)
    assert (boundary_distance_pct(value, find_rule(rule)) > 0).all()
