"""An image classifier in a folder like a hub repository; preprocessing against transformers'."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
Image = pytest.importorskip("PIL.Image")

from hub_folders import NARROW, change, save  # noqa: E402

from wattmark.errors import InputError  # noqa: E402
from wattmark.models.hub.hub_image_classification import HubImageClassification  # noqa: E402
from wattmark.models.hub.hub_image_processor import image_processor  # noqa: E402

NORMAL = {"resample": 3, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}
SETTINGS = [
    {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 48}, **NORMAL},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 48}, **NORMAL},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384},
     "crop_pct": 1.0, **NORMAL},
    {"image_processor_type": "DeiTImageProcessor", "size": {"height": 48, "width": 48},
     "crop_size": {"height": 32, "width": 32}, "do_center_crop": True, **NORMAL},
    {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 40},
     "crop_size": {"height": 32, "width": 32}, "do_center_crop": True, **NORMAL},
    {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 40, "width": 32},
     **NORMAL},
]  # fmt: skip


def picture(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    written = BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: s["image_processor_type"][:8])
@pytest.mark.parametrize("size", [(120, 81), (72, 104)])
def test_images_are_prepared_as_transformers_does(settings, size):
    name = settings["image_processor_type"] + "Pil"
    if not hasattr(transformers, name):
        pytest.skip("this transformers has no processors without torchvision")
    own = getattr(transformers, name)(**settings)
    written = picture(*size)
    expected = own(Image.open(BytesIO(written)), return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(image_processor(settings, {}, "m")(written), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "it is missing"),
        ({"size": {"height": 8, "width": 8}}, "Unrecognized image processor"),
        ({"image_processor_type": "NoSuchImageProcessor"}, "Unrecognized image processor"),
        ({**SETTINGS[0], "size": {"height": 10**6, "width": 8}}, "a side of 1e.06 pixels"),
        ({**SETTINGS[0], "size": {"height": 8}}, "cannot be followed"),
        ({**SETTINGS[0], "do_resize": False}, "no fixed size"),
        ({**SETTINGS[4], "do_center_crop": False}, "no fixed size"),
    ],
)
def test_preprocessing_that_is_not_supported_is_refused(settings, said):
    with pytest.raises(InputError, match=said):
        image_processor(settings, {}, "m")


def test_no_code_of_a_repository_is_run():
    remote = {"AutoImageProcessor": "evil.Processor"}
    known = image_processor({**SETTINGS[0], "auto_map": remote}, {}, "m")
    assert type(known.library).__module__.startswith("transformers.")
    with pytest.raises(InputError, match="cannot be followed"):
        image_processor({"image_processor_type": "Evil", "auto_map": remote}, {}, "m")


def test_classifier_gives_the_logits_of_transformers(tmp_path, answer, only_network):
    torch.manual_seed(4)
    labels = {n: "tench, Tinca tinca" if n == 0 else f"class {n}" for n in range(1000)}
    vit = save(tmp_path, transformers.ViTForImageClassification(transformers.ViTConfig(
        image_size=32, patch_size=16, intermediate_size=32, id2label=labels,
        label2id={label: n for n, label in labels.items()}, **NARROW,
    )))  # fmt: skip
    settings = {**SETTINGS[0], "size": 32}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    model = HubImageClassification(f"folder:{tmp_path}")
    (query,) = model.preprocess([picture(120, 81)])
    network = only_network(model)
    assert network.inputs[0].shape == query["image"].shape == (1, 3, 32, 32)
    with torch.inference_mode():
        own = vit(torch.from_numpy(query["image"])).logits
    np.testing.assert_allclose(answer(network, network.module(), query), own, atol=1e-5)
    assert model.info().parameters == sum(p.numel() for p in vit.parameters())
    change(tmp_path / "config.json", id2label={"0": "cat", "1": "dog"})
    with pytest.raises(InputError, match=r"2 classes \(cat, dog, \.\.\.\).*1000 of ImageNet"):
        HubImageClassification(f"folder:{tmp_path}").info()
