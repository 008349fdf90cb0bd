"""When requests are due."""

from __future__ import annotations

import numpy as np
import pytest

from wattmark.endpoints.arrivals import ClosedLoop, constant, poisson
from wattmark.errors import InputError


def test_a_constant_rate_is_evenly_spaced_from_the_start() -> None:
    load = constant(200.0, 4)
    assert load.due_ns.tolist() == [0, 5_000_000, 10_000_000, 15_000_000]
    assert (load.count, load.name) == (4, "constant:200/s")


def test_poisson_gaps_have_the_mean_and_the_spread_of_an_exponential() -> None:
    load = poisson(100.0, 20_000, seed=3)
    gaps_s = np.diff(load.due_ns) / 1e9
    assert (gaps_s >= 0).all()
    assert gaps_s.mean() == pytest.approx(0.01, rel=0.03)
    assert gaps_s.std() == pytest.approx(0.01, rel=0.03)


def test_a_seed_gives_the_same_times_and_another_one_others() -> None:
    assert (poisson(10, 50, seed=1).due_ns == poisson(10, 50, seed=1).due_ns).all()
    assert (poisson(10, 50, seed=1).due_ns != poisson(10, 50, seed=2).due_ns).any()


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="above 0 per second"):
        constant(rate, 1)
    with pytest.raises(InputError, match="above 0 per second"):
        poisson(rate, 1, seed=0)


def test_a_load_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 request"):
        constant(1.0, 0)
    with pytest.raises(InputError, match="concurrency"):
        ClosedLoop(concurrency=0, count=1)
    assert ClosedLoop(4, 10).name == "closed-loop:4"
