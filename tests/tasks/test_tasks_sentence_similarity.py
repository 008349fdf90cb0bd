from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from wattmark.errors import CorruptArchiveError
from wattmark.tasks.sentence_similarity import (
    COUNT,
    PAIRS,
    SentenceSimilarity,
    _ratings,
    _texts,
    spearman,
)

TASK = SentenceSimilarity()
NUMBERS = st.lists(st.tuples(*[st.integers(-5, 5)] * 2), min_size=2, max_size=30)


@settings(derandomize=True, deadline=None)
@given(NUMBERS)
def test_correlation_is_scipys(pairs):
    a, b = np.array(pairs, np.float64).T
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert np.isnan(spearman(a, b))
    else:
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_only_the_order_counts():
    said = [TASK.predict(x) for x in (0.1, 0.2, 0.9)]
    assert TASK.quality(said, [0.0, 0.9, 1.0]) == pytest.approx(1)
    assert TASK.quality(said, [1.0, 0.5, 0.0]) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("similarity", "rating", "score"), [(0.5, 0.5, 1), (0.9, 0.4, 0.5), (-0.4, 0, 1), (-1, 1, 0)]
)
def test_one_pair_scores_by_its_distance_from_the_rating(similarity, rating, score):
    assert TASK.score(TASK.predict(similarity), rating) == pytest.approx(score)


def test_a_table_of_another_shape_or_scale_is_refused():
    with pytest.raises(CorruptArchiveError, match="50 x 50"):
        _ratings("0.2 0.4\n0.4 1")
    with pytest.raises(CorruptArchiveError, match="50 x 50"):
        _ratings("\n".join([" ".join(["5"] * COUNT)] * COUNT))
    with pytest.raises(CorruptArchiveError, match="could not convert"):
        _ratings("a b")
    with pytest.raises(CorruptArchiveError, match="50 lines"):
        _texts(b"one\ntwo")


@pytest.mark.slow
def test_every_pair_comes_once_in_an_order_drawn_by_the_seed():
    info, examples = TASK.load(5000, seed=1)
    assert info.samples == len(examples) == len({frozenset(e.data) for e in examples}) == PAIRS
    ratings = [e.label for e in examples]
    assert min(ratings) == 0 and max(ratings) == 1 and {e.source for e in examples} == {"lee-2005"}
    assert TASK.load(30, seed=2) == TASK.load(30, seed=2)
    assert TASK.load(30, seed=2)[0].data_digest != TASK.load(30, seed=3)[0].data_digest
