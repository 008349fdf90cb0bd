from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.models.efficientnet_lite0 import EfficientNetLite0, same_padding

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
    assert inputs["image"].shape == MODEL.inputs[0].shape
    assert inputs["image"].dtype == np.float32
    assert np.allclose(inputs["image"][0, :, 100, 100], [1, 0, -127 / 128])


def test_grey_image_file_is_read_as_colour(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("L", (224, 224), 127).save(tmp_path / "grey.png")
    [inputs] = MODEL.preprocess([tmp_path / "grey.png"])
    assert np.all(inputs["image"] == 0)


@pytest.fixture(scope="module")
def module():
    pytest.importorskip("torch")
    return MODEL.module()


@pytest.mark.slow
def test_identity_matches_the_module(module):
    info = MODEL.info()
    assert info.parameters == sum(p.numel() for p in module.parameters())
    assert info.digest.startswith("57934424")  # the file's name carries its digest, too
    assert info.licence == "Apache-2.0"


@pytest.mark.slow
def test_photographs_are_recognised(module):
    import torch

    from wattmark.tasks.image_classification import ImageClassification

    task = ImageClassification()
    _, examples = task.load(20, seed=0)
    queries = MODEL.preprocess([e.data for e in examples])
    with torch.inference_mode():
        outputs = [module(torch.from_numpy(q["image"])).numpy() for q in queries]
    answers = [task.predict(output) for output in outputs]
    assert sum(task.score(a, e.label) for a, e in zip(answers, examples, strict=True)) == 18
    best = [np.argsort(output[0])[-5:] for output in outputs]
    assert sum(e.label in five for e, five in zip(examples, best, strict=True)) == 19


@pytest.mark.slow
def test_module_can_be_exported(module):
    import torch

    image = torch.zeros(MODEL.inputs[0].shape)
    program = torch.export.export(module, (image,))
    with torch.inference_mode():
        assert torch.equal(program.module()(image), module(image))
