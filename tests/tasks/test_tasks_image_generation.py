from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from wattmark.errors import InputError
from wattmark.tasks import image_generation
from wattmark.tasks.fashion_mnist import CLASSES
from wattmark.tasks.image_generation import ImageGeneration, frechet, image_of

TASK = ImageGeneration()
NOISE = np.random.default_rng(0).integers(0, 256, (40, 1, 28, 28)).astype(np.uint8)


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (23, 23), (1000, 1000), (5000, 1000)])
def test_every_class_is_asked_for_as_often_as_any_other(asked, given):
    info, examples = TASK.load(asked, seed=7)
    counts = Counter(example.label for example in examples)
    assert info.samples == len(examples) == given
    assert max(counts.values()) - min(counts[name] for name in CLASSES) <= 1


def test_prompt_label_and_noise_belong_together_and_follow_the_seed():
    info, examples = TASK.load(50, seed=3)
    assert TASK.load(50, seed=3) == (info, examples)
    assert TASK.load(50, seed=4)[0].data_digest != info.data_digest
    assert all(example.label in example.data[0] for example in examples)
    assert len({example.data[1] for example in examples}) == 50


def test_nothing_asked_for_is_nothing_given():
    assert TASK.load(0, seed=0)[1] == []


def test_the_prediction_holds_the_image():
    prediction = TASK.predict(NOISE[0])
    np.testing.assert_array_equal(image_of(prediction), NOISE[0, 0])
    assert prediction.isascii()


@pytest.mark.parametrize(
    "answer", [np.zeros((1, 1000), np.float32), np.zeros((1, 28, 28)), np.zeros((28, 28), np.uint8)]
)
def test_the_answer_of_another_kind_of_model_is_refused(answer):
    with pytest.raises(InputError, match="needs another task"):
        TASK.predict(answer)


def test_an_image_that_the_judge_cannot_see_has_a_digest_and_no_score():
    first, other = (TASK.predict(np.full((3, 64, 64), value, np.uint8)) for value in (0, 1))
    assert first.startswith("image 3x64x64 sha256 ") and first != other
    with pytest.raises(InputError, match=r"cannot score image 3x64x64: .*--cost-only"):
        TASK.score(first, "bag")
    large = SimpleNamespace(name="folder:large", image_shape=(3, 64, 64))
    with pytest.raises(InputError, match=r"images of folder:large, of shape \(3, 64, 64\)"):
        TASK.require_scorable(large)
    TASK.require_scorable(SimpleNamespace(name="fashion-diffusion"))


@pytest.mark.parametrize("prediction", ["", "no image", "AAAA"])
def test_text_that_holds_no_image_is_an_error(prediction):
    with pytest.raises(InputError, match="not an image"):
        TASK.score(prediction, "bag")


def test_one_where_the_judge_sees_the_class_and_quality_is_the_mean():
    predictions = [TASK.predict(image) for image in NOISE[:4]]
    labels = [image_generation._judged(prediction)[0] for prediction in predictions]
    wrong = next(name for name in CLASSES if name != labels[0])
    assert TASK.score(predictions[0], labels[0]) == 1
    assert TASK.score(predictions[0], wrong) == 0
    assert TASK.quality(predictions, [wrong, *labels[1:]]) == 0.75


def test_noise_is_far_from_the_test_set_and_one_image_has_no_distance():
    predictions = [TASK.predict(image) for image in NOISE]
    assert TASK.also["Fréchet distance"](predictions, ["bag"] * 40) > 10
    assert np.isnan(frechet(predictions[:1], ["bag"]))
