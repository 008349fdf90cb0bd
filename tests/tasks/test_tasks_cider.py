"""Known values are those of pycocoevalcap 1.2, ``Cider().compute_score``, for the same texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.tasks.cider import CiderD

REFERENCES = [
    [
        "two small red circles left of a large blue square",
        "red circles beside a square",
        "a picture",
    ],
    ["a large green star on a black background"],
    ["three pink rings above two brown crosses", "pink pink pink rings"],
    ["a star", "a large star on a grey background"],
]
WORD = st.sampled_from(["a", "red", "blue", "star", "stars"])
CAPTION = st.lists(WORD, max_size=8).map(" ".join)


@pytest.mark.parametrize(
    ("image", "candidate", "known"),
    [
        (0, "two small red circles left of a large red square", 2.88458076),
        (1, "a large green star on a black background", 10.0),
        (2, "pink pink rings rings above two crosses", 3.25449011),
        (3, "a", 0.69701418),
    ],
)
def test_scores_equal_those_of_the_authors_code(image, candidate, known):
    score = CiderD(REFERENCES).score(candidate, REFERENCES[image])
    assert score == pytest.approx(known, abs=1e-8)


@given(CAPTION, CAPTION)
@settings(derandomize=True, deadline=None)
def test_score_lies_between_0_and_10(candidate, reference):
    assert 0 <= CiderD(REFERENCES).score(candidate, [reference]) <= 10 + 1e-9


def test_words_that_every_image_has_weigh_nothing():
    corpus = [["a red star"], ["a blue star"]]
    assert CiderD(corpus).score("a star", ["a star"]) == 2.5
    assert CiderD([["a star"], ["a star"]]).score("a star", ["a star"]) == 0


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        CiderD([])
    with pytest.raises(ValueError, match="at least one reference"):
        CiderD(REFERENCES).score("a star", [])
