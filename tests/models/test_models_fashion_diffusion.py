from __future__ import annotations

import numpy as np
import pytest

from wattmark.errors import AssetError, InputError
from wattmark.models import fashion_diffusion
from wattmark.models.fashion_diffusion import PARAMETERS, WEIGHTS, FashionDiffusion, class_of
from wattmark.tasks.image_generation import PROMPTS, ImageGeneration

MODEL, TASK = FashionDiffusion(), ImageGeneration()


def test_the_tasks_prompts_name_the_ten_classes_in_order():
    assert [class_of(prompt) for prompt in PROMPTS.values()] == list(range(10))


@pytest.mark.parametrize(
    ("prompt", "class_id"),
    [
        ("A T-Shirt.", 0),
        ("a photo of a T-shirt/top", 0),
        ("a shirt, ironed", 6),
        ("ankle boots", 9),
        ("two sandals", 5),
        ("a leather handbag", 8),
    ],
)
def test_a_prompt_may_say_it_in_other_words(prompt, class_id):
    assert class_of(prompt) == class_id


@pytest.mark.parametrize(
    ("prompt", "named"),
    [("a cat", "names none"), ("a dress and a coat", "dress and coat"), ("a raincoat", "none")],
)
def test_a_prompt_that_names_no_or_several_classes_is_an_error(prompt, named):
    with pytest.raises(InputError, match=named):
        MODEL.preprocess([(prompt, 0)])


def test_the_seed_decides_the_noise():
    first, again, other = MODEL.preprocess([("a bag", 1), ("a coat", 1), ("a bag", 2)])
    assert first["noise"].shape == (1, 1, 32, 32)
    assert first["noise"].dtype == np.float32
    np.testing.assert_array_equal(first["noise"], again["noise"])
    assert not np.array_equal(first["noise"], other["noise"])
    assert first["class_id"].tolist() == [8]


def test_the_border_is_cut_off_and_the_range_is_that_of_bytes():
    output = np.full((1, 1, 32, 32), 9.0, np.float32)
    output[0, 0, 2:30, 2:30] = 0
    output[0, 0, 2, 2:5] = -1.5, 1, np.nan
    image = MODEL.postprocess(output, {})
    assert image.shape == (1, 28, 28)
    assert image.dtype == np.uint8
    assert image[0, 0, :4].tolist() == [0, 255, 0, 128]


def test_identity_follows_the_weights(monkeypatch, tmp_path):
    info = MODEL.info()
    assert info.parameters == PARAMETERS
    assert WEIGHTS.stat().st_size < 10_000_000
    other = tmp_path / WEIGHTS.name
    other.write_bytes(WEIGHTS.read_bytes() + b" ")
    monkeypatch.setattr(fashion_diffusion, "WEIGHTS", other)
    assert MODEL.info().digest != info.digest


@pytest.mark.parametrize("content", [None, b"", b"cut short"])
def test_missing_and_damaged_weights_say_what_to_do(monkeypatch, tmp_path, content):
    pytest.importorskip("torch")
    file = tmp_path / WEIGHTS.name
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(fashion_diffusion, "WEIGHTS", file)
    with pytest.raises(AssetError, match="train_fashion_diffusion"):
        MODEL.networks()[0].module()


@pytest.fixture(scope="module")
def runners():
    torch = pytest.importorskip("torch")
    (network,) = MODEL.networks()
    module = network.module()
    assert sum(parameter.numel() for parameter in module.parameters()) == PARAMETERS

    def run(inputs):
        tensors = [torch.from_numpy(inputs[spec.name]) for spec in network.inputs]
        with torch.inference_mode():
            return module(*tensors).numpy()

    return {network.name: run}


@pytest.mark.slow
def test_it_draws_what_it_is_asked_for(runners):
    _, examples = TASK.load(30, seed=1)
    queries = MODEL.preprocess([example.data for example in examples])
    batch = {name: np.concatenate([q[name] for q in queries]) for name in queries[0]}
    output = MODEL.pipeline({"steps": "10"})(runners, batch, lambda *_: None)
    images = MODEL.postprocess(output, batch)
    predictions = [TASK.predict(image[None]) for image in images]
    assert TASK.quality(predictions, [example.label for example in examples]) >= 0.7


def test_each_row_of_a_batch_is_its_own_query(runners):
    queries = MODEL.preprocess([("a dress", 5), ("a sneaker", 6)])
    batch = {name: np.concatenate([q[name] for q in queries]) for name in queries[0]}
    pipeline = MODEL.pipeline({})
    alone = np.concatenate([pipeline.probe(runners, query) for query in queries])
    np.testing.assert_allclose(pipeline.probe(runners, batch), alone, atol=1e-4)
    assert alone.shape == (2, 2, 1024)
