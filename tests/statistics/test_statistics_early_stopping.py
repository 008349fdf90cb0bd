import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from wattmark.statistics import queries_needed, server_verdict, stream_estimate

CONFORMANCE = Path(__file__).parents[2] / "benchmarks" / "loadgen_conformance.py"
PERCENTILES = (0.90, 0.95, 0.97, 0.99, 0.999)


@pytest.mark.parametrize(
    ("percentile", "none_over", "one_over"),
    [(0.9, 44, 64), (0.95, 90, 130), (0.97, 152, 219), (0.99, 459, 662), (0.999, 4603, 6636)],
)
def test_queries_needed_are_mlperfs(percentile: float, none_over: int, one_over: int) -> None:
    assert queries_needed(percentile, 0) == none_over
    assert queries_needed(percentile, 1) == one_over


@given(st.sampled_from(PERCENTILES), st.integers(0, 2000))
@settings(derandomize=True, deadline=None)
def test_the_threshold_is_the_first_at_which_so_few_are_improbable(
    percentile: float, over: int
) -> None:
    n = queries_needed(percentile, over)

    assert binom.cdf(over, n, 1 - percentile) <= 0.01 < binom.cdf(over, n - 1, 1 - percentile)


def test_a_query_at_the_target_is_not_over_it() -> None:
    latencies = [1_000] * 43 + [2_000]

    assert server_verdict(latencies, 2_000, 0.9).passed
    late = server_verdict(latencies, 1_999, 0.9)
    assert (late.passed, late.over_latency, late.more_queries) == (False, 1, 20)


def test_the_estimate_leaves_out_the_largest_that_the_rule_allows() -> None:
    latencies = np.random.default_rng(1).permutation(np.arange(1, 101))

    # 81 queries are enough for 2 over, 97 for 3, 113 for 4: the third largest
    estimate = stream_estimate(latencies, 0.9)
    assert queries_needed(0.9, estimate.discarded + 1) <= 100
    assert queries_needed(0.9, estimate.discarded + 2) > 100
    assert estimate.latency_ns == 100 - estimate.discarded


def test_too_few_queries_give_no_estimate_but_say_how_many_it_takes() -> None:
    estimate = stream_estimate(range(63), 0.9)

    assert (estimate.latency_ns, estimate.queries, estimate.queries_needed) == (None, 63, 64)
    assert stream_estimate(range(64), 0.9).latency_ns == 63


def test_what_is_no_set_of_latencies_or_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        server_verdict(np.empty(0, np.int64), 1, 0.9)
    with pytest.raises(ValueError, match="whole nanoseconds"):
        stream_estimate([0.5], 0.9)
    with pytest.raises(ValueError, match="strictly between 0 and 1, got 99"):
        queries_needed(99, 0)
    with pytest.raises(ValueError, match="not negative"):
        queries_needed(0.9, -1)


@pytest.mark.slow
def test_real_loadgen_runs_decide_alike() -> None:
    pytest.importorskip("mlperf_loadgen")

    done = subprocess.run(
        [sys.executable, str(CONFORMANCE), "--runs", "200", "--processes", "4", "--seed", "7"],
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^200 runs in \d+ s: 0 disagreements", done.stdout, re.MULTILINE)
