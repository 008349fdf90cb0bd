from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from wattmark.tasks.frechet import Gaussian, frechet_distance


def some_gaussian(seed: int, dimension: int = 5) -> Gaussian:
    random = np.random.default_rng(seed)
    return Gaussian.of(random.standard_normal((40, dimension)) @ random.random((dimension,) * 2))


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_it_is_the_papers_formula(a_seed, b_seed):
    a, b = some_gaussian(a_seed), some_gaussian(b_seed)
    root = linalg.sqrtm(a.covariance @ b.covariance).real
    wanted = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), abs=1e-6)


def test_a_set_is_at_no_distance_from_itself():
    assert frechet_distance(some_gaussian(1), some_gaussian(1)) == pytest.approx(0, abs=1e-9)


def test_in_one_dimension_it_is_that_of_means_and_deviations():
    a = Gaussian(np.array([1.0]), np.array([[4.0]]))
    b = Gaussian(np.array([4.0]), np.array([[9.0]]))
    assert frechet_distance(a, b) == pytest.approx((1 - 4) ** 2 + (2 - 3) ** 2)


def test_fewer_images_than_features_are_enough_but_one_is_not():
    features = np.random.default_rng(0).standard_normal((3, 5))
    assert np.isfinite(frechet_distance(Gaussian.of(features), some_gaussian(2)))
    with pytest.raises(ValueError, match="at least 2"):
        Gaussian.of(features[:1])
