import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from wattmark.statistics import half_width, narrow_enough

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Array]


def bursts(rng: np.random.Generator, n: int) -> Array:
    hit = rng.random(n) < 0.2
    return 0.5 * rng.standard_normal(n) + np.where(hit, rng.uniform(-5, 5, n), 0)


NOISES: dict[str, Noise] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "laplace": lambda rng, n: rng.laplace(size=n),
    "bursts": bursts,
}


def misses(x: Array, half: Callable[[Array], float]) -> bool:
    """Whether 0 is outside the interval at any number of rounds from 3 on."""
    return any(abs(x[:n].mean()) > half(x[:n]) for n in range(3, x.size + 1))


@pytest.mark.parametrize("noise", NOISES)
def test_looking_after_every_round_misses_at_most_as_often_as_nominal(noise: str) -> None:
    rng = np.random.default_rng(1)

    missed = sum(misses(NOISES[noise](rng, 200), half_width) for _ in range(300))

    assert missed / 300 <= 0.05


def test_the_usual_interval_would_miss_far_more_often() -> None:
    rng = np.random.default_rng(2)

    def fixed(x: Array) -> float:
        return 1.96 * float(x.std(ddof=1)) / math.sqrt(x.size)

    assert sum(misses(rng.standard_normal(200), fixed) for _ in range(300)) / 300 > 0.25


def test_the_interval_is_where_the_bayes_factor_reaches_one_over_alpha() -> None:
    x = np.random.default_rng(3).standard_normal(8)
    alpha, g = 0.05, 10.0
    low, high = x.mean() - half_width(x, alpha), x.mean() + half_width(x, alpha)

    def bayes_factor(mean: float) -> float:
        """By quadrature over effect size and scale, from its definition."""
        effects = np.linspace(-25, 25, 2001)[:, None]
        log_scales = np.linspace(-8, 8, 801)[None, :]
        y = x - mean
        scales = np.exp(log_scales)
        square = (y**2).sum() / scales**2 - 2 * y.sum() * effects / scales
        likelihood = np.exp(-0.5 * (square + y.size * effects**2) - y.size * log_scales)
        prior = np.exp(-(effects**2) / (2 * g)) / math.sqrt(2 * math.pi * g) * 0.025
        null = np.exp(-0.5 * (y**2).sum() / scales**2 - y.size * log_scales)
        return float((prior * likelihood).sum() / null.sum())

    assert bayes_factor(low) == pytest.approx(1 / alpha, rel=1e-3)
    assert bayes_factor(high) == pytest.approx(1 / alpha, rel=1e-3)


def test_more_rounds_are_narrower_and_scale_is_kept() -> None:
    x = np.random.default_rng(4).standard_normal(100)

    assert half_width(x[:10]) > half_width(x[:30]) > half_width(x)
    assert half_width(3 * x + 7) == pytest.approx(3 * half_width(x))
    assert half_width(x, alpha=0.01) > half_width(x, alpha=0.05)


def test_no_interval_exists_after_one_round() -> None:
    assert half_width([0.1]) == math.inf
    assert half_width([]) == math.inf


def test_narrow_enough_is_about_the_ratio_not_its_logarithm() -> None:
    x = 0.1 * np.random.default_rng(5).standard_normal(20)
    width = math.expm1(half_width(x))

    assert narrow_enough(x, width * 1.001)
    assert not narrow_enough(x, width * 0.999)


def test_two_rounds_are_never_enough_and_three_equal_ones_are() -> None:
    assert not narrow_enough([0.0, 0.0], 0.05)
    assert narrow_enough([0.0, 0.0, 0.0], 0.05)


def test_an_impossible_alpha_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        half_width([0.0, 1.0], alpha=1.0)
