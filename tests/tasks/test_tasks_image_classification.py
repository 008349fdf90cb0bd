from __future__ import annotations

import numpy as np
import pytest

from wattmark.errors import AssetError
from wattmark.tasks.image_classification import ImageClassification, _label

TASK = ImageClassification()


def test_label_is_in_the_file_name():
    assert _label("foolbox/data/imagenet_07_609.jpg") == 609
    with pytest.raises(AssetError, match="no class index"):
        _label("foolbox/data/imagenet.jpg")


def test_largest_logit_is_the_answer():
    logits = np.zeros((1, 1000), np.float32)
    logits[0, 42] = 1
    assert TASK.predict(logits) == "42"
    assert TASK.score("42", 42) == 1
    assert TASK.score("4", 42) == 0
    assert TASK.quality(["42", "4", "7", "8"], [42, 42, 7, 7]) == 0.5


@pytest.mark.slow
def test_twenty_photographs_exist_however_many_are_asked_for():
    info, examples = TASK.load(1000, seed=0)
    assert info.samples == len(examples) == 20
    assert len({e.data for e in examples}) == 20
    assert {e.source for e in examples} == {"imagenet-foolbox"}
    assert all(e.data.is_file() and 0 <= e.label < 1000 for e in examples)


@pytest.mark.slow
def test_seed_decides_which_and_in_what_order():
    first, examples = TASK.load(5, seed=3)
    assert TASK.load(5, seed=3) == (first, examples)
    assert TASK.load(5, seed=4)[0].data_digest != first.data_digest
    assert first.samples == 5
