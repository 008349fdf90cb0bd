from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_run import FAILED, MEASURED, make_failed, make_ratings, make_result, make_run

from wattmark.records import Result, Run


@pytest.fixture
def results() -> list[Result]:
    changes = {"jax/jit/fp32": {"flags": ("contended",)}}
    return [make_result(k, *v, **changes.get(k, {})) for k, v in MEASURED.items()]


@pytest.fixture
def run(results: list[Result]) -> Run:
    return make_run([*results, make_failed(FAILED)], ratings=make_ratings(results))


@pytest.fixture
def latencies_ms() -> dict[str, NDArray[np.float64]]:
    """Short and long texts: two humps, with a tail."""
    random = np.random.default_rng(0)
    long = random.random(1000) < 0.4
    return {
        label: p50 * 0.9 * np.where(long, 2.0, 0.9) * random.lognormal(0, 0.12, 1000)
        for label, (p50, _, _) in MEASURED.items()
    }
