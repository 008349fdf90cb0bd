from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.models.efficientnet_lite0 import EfficientNetLite0, same_padding
from wattmark.tasks.image_classification import ImageClassification

MODEL = EfficientNetLite0()


def encoded(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    image.new("RGB", (width, height), colour).save(stream, "PNG")
    return stream.getvalue()


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 300), st.sampled_from([1, 3, 5]), st.sampled_from([1, 2]))
def test_same_padding_gives_ceil_of_size_over_stride(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    assert before <= after <= before + 1
    covered = (size + before + after - kernel) // stride + 1
    assert covered == -(-size // stride)


def test_padding_of_strided_convolutions_is_uneven_as_in_tensorflow():
    assert same_padding(224, 3, 2) == (0, 1)
    assert same_padding(56, 5, 2) == (1, 2)
    assert same_padding(14, 5, 1) == (2, 2)


def test_pixels_are_normalised_as_the_weights_were_trained():
    [inputs] = MODEL.preprocess([encoded(300, 400, (255, 127, 0))])
    assert inputs["image"].shape == MODEL.networks()[0].inputs[0].shape
    assert inputs["image"].dtype == np.float32
    assert np.allclose(inputs["image"][0, :, 100, 100], [1, 0, -127 / 128])


def test_grey_image_file_is_read_as_colour(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("L", (224, 224), 127).save(tmp_path / "grey.png")
    [inputs] = MODEL.preprocess([tmp_path / "grey.png"])
    assert np.all(inputs["image"] == 0)


@pytest.fixture(scope="module")
def network(only_network):
    return only_network(MODEL)


@pytest.fixture(scope="module")
def module(network):
    pytest.importorskip("torch")
    return network.module()


@pytest.mark.slow
def test_identity_matches_the_module(module):
    info = MODEL.info()
    assert info.parameters == sum(p.numel() for p in module.parameters())
    assert info.digest.startswith("57934424")  # the file's name carries its digest, too
    assert info.licence == "Apache-2.0"


@pytest.mark.slow
def test_photographs_are_recognised(network, module, answer):
    task = ImageClassification()
    _, examples = task.load(20, seed=0)
    queries = MODEL.preprocess([e.data for e in examples])
    outputs = [MODEL.postprocess(answer(network, module, q), q) for q in queries]
    predictions = [task.predict(output) for output in outputs]
    assert task.quality(predictions, [e.label for e in examples]) == 18 / 20
    best = [np.argsort(output[0])[-5:] for output in outputs]
    assert sum(e.label in five for e, five in zip(examples, best, strict=True)) == 19


@pytest.mark.slow
def test_photographs_can_be_shown_together(network, module, answer):
    queries = MODEL.preprocess([encoded(224, 224, c) for c in ((255, 0, 0), (0, 99, 255))])
    together = answer(network, module, {"image": np.concatenate([q["image"] for q in queries])})
    apart = np.concatenate([answer(network, module, q) for q in queries])
    assert np.allclose(together, apart, atol=1e-5)


@pytest.mark.slow
def test_module_can_be_exported(network, module, answer, exported):
    image = {"image": np.zeros((1, 3, 224, 224), np.float32)}
    program = exported(network, module, image)
    assert np.array_equal(answer(network, program, image), answer(network, module, image))
