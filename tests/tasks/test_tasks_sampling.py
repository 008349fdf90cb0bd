from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.tasks.sampling import drawn_equally

sizes = st.lists(st.integers(0, 12), max_size=4)


@settings(derandomize=True, deadline=None)
@given(sizes, st.integers(0, 50), st.integers(0, 5))
def test_sources_are_drawn_equally_until_one_runs_out(sizes, samples, seed):
    sources = [[(source, n) for n in range(size)] for source, size in enumerate(sizes)]
    drawn = drawn_equally(sources, samples, seed)
    assert len(drawn) == len(set(drawn)) == min(samples, sum(sizes))
    counts = [sum(source == number for source, _ in drawn) for number in range(len(sizes))]
    most = max(counts, default=0)
    assert all(c >= most - 1 or c == size for c, size in zip(counts, sizes, strict=True))


@settings(derandomize=True, deadline=None)
@given(sizes, st.integers(0, 20), st.integers(0, 20), st.integers(0, 5))
def test_smaller_sample_is_part_of_a_larger_one(sizes, one, other, seed):
    sources = [[(source, n) for n in range(size)] for source, size in enumerate(sizes)]
    small, large = sorted((one, other))
    assert set(drawn_equally(sources, small, seed)) <= set(drawn_equally(sources, large, seed))


def test_seed_decides():
    assert drawn_equally([range(20)], 5, 1) == drawn_equally([range(20)], 5, 1)
    assert drawn_equally([range(20)], 5, 1) != drawn_equally([range(20)], 5, 2)
