from __future__ import annotations

import numpy as np
import pytest

from wattmark.tasks.image_captioning import ImageCaptioning, cider_of
from wattmark.tasks.scenes import held_out

TASK = ImageCaptioning()
CAPTION = "two small red circles left of a large blue square on a white background"


def test_sample_is_held_out_and_the_seed_decides_it():
    info, examples = TASK.load(30, seed=3)
    again, same = TASK.load(30, seed=3)
    other, _ = TASK.load(30, seed=4)
    assert info == again
    assert info.samples == len(examples) == 30
    assert info.data_digest != other.data_digest
    assert all(held_out(e.label) for e in examples)
    assert all(np.array_equal(a.data, b.data) for a, b in zip(examples, same, strict=True))
    assert examples[0].data.shape == (64, 64, 3)


def test_smaller_sample_is_the_beginning_of_a_larger_one():
    _, few = TASK.load(5, seed=0)
    _, more = TASK.load(9, seed=0)
    assert [e.label for e in few] == [e.label for e in more[:5]]


def test_only_the_whole_caption_counts():
    wrong = CAPTION.replace("blue", "cyan")
    assert TASK.score(TASK.predict(CAPTION), CAPTION) == 1
    assert TASK.score(wrong, CAPTION) == 0
    assert TASK.score("", CAPTION) == 0
    assert TASK.quality([CAPTION, wrong, CAPTION, ""], [CAPTION] * 4) == 0.5


def test_cider_of_a_nearly_right_caption_lies_between():
    near, far = CAPTION.replace("blue", "cyan"), "a small pink ring on a black background"
    scores = [cider_of([text], [CAPTION]) for text in (CAPTION, near, far, "")]
    assert scores[0] == pytest.approx(10)
    assert scores == sorted(scores, reverse=True)
    assert scores[1] > 4
    assert scores[3] == 0
    assert cider_of([CAPTION, ""], [CAPTION, CAPTION]) == pytest.approx(5)
    assert TASK.also["CIDEr-D"] is cider_of
