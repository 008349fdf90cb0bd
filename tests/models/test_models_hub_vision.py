"""Detectors and captioners in a folder like a hub repository, against transformers' own answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from hub_folders import change, save_tokenizer  # noqa: E402
from hub_vision_folders import CLASSES, NORMAL, save_captioner, save_detector  # noqa: E402
from torch_runner import TorchRunner  # noqa: E402

from wattmark.errors import AssetError, InputError  # noqa: E402
from wattmark.models.hub import hub_object_detection  # noqa: E402
from wattmark.models.hub.hub_detection_processor import detection_processor  # noqa: E402
from wattmark.models.hub.hub_image_captioning import HubImageCaptioning  # noqa: E402
from wattmark.models.hub.hub_object_detection import HubObjectDetection  # noqa: E402

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (60, 100, 3), np.uint8)


@pytest.mark.parametrize("size", [(80, 60), (60, 80), (64, 64), (200, 90), (90, 333)])
@pytest.mark.parametrize("kind", ["Yolos", "Detr"])
def test_pictures_are_prepared_as_transformers_does_for_a_batch_of_that_size(kind, size):
    name = f"{kind}ImageProcessorPil"
    if not hasattr(transformers, name):
        pytest.skip("this transformers has no processors without torchvision")
    settings = {"size": {"shortest_edge": 48, "longest_edge": 1333}, **NORMAL}
    picture = RANDOM.integers(0, 256, (size[1], size[0], 3), np.uint8)
    ours = detection_processor(settings, {"model_type": kind.lower()}, "m")(picture)
    size = {"shortest_edge": 48, "longest_edge": 64}
    own = getattr(transformers, name)(**{**settings, "size": size})
    found = own(picture, return_tensors="np", pad_size={"height": 64, "width": 64})
    np.testing.assert_allclose(ours["image"], found["pixel_values"], atol=1e-5)
    rows, columns = found["pixel_mask"][0].any(1).mean(), found["pixel_mask"][0].any(0).mean()
    np.testing.assert_allclose(ours["covered"], [[columns, rows]])


@pytest.mark.parametrize("family", ["yolos", "detr", "rt_detr"])
def test_boxes_are_those_of_transformers(tmp_path, family, answer, only_network, monkeypatch):
    own = save_detector(tmp_path, family)
    model = HubObjectDetection(f"folder:{tmp_path}")
    (query,) = model.preprocess([PICTURE])
    network = only_network(model)
    found = answer(network, network.module(), query)
    with torch.inference_mode():
        outputs = own(pixel_values=torch.from_numpy(query["image"]))
    np.testing.assert_allclose(found[..., :-4], outputs.logits, atol=1e-5)
    processor = "RTDetrImageProcessorPil" if family == "rt_detr" else "YolosImageProcessorPil"
    if not hasattr(transformers, processor):
        pytest.skip("this transformers has no processors without torchvision")
    monkeypatch.setattr(hub_object_detection, "THRESHOLD", 0.0)
    outputs.pred_boxes = outputs.pred_boxes / torch.from_numpy(np.tile(query["covered"], 2))
    (expected,) = getattr(transformers, processor)().post_process_object_detection(
        outputs, threshold=0.0
    )
    names = {**CLASSES, 2: "couch"}
    theirs = sorted(
        (float(score), names[label], *np.clip(box, 0, 1).tolist())
        for score, label, box in zip(
            expected["scores"], expected["labels"].tolist(), expected["boxes"].numpy(), strict=True
        )
    )
    ours = sorted((score, name, *box) for name, score, *box in model.postprocess(found, query))
    assert [row[1] for row in ours] == [row[1] for row in theirs] and ours
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose([mine[0], *mine[2:]], [other[0], *other[2:]], atol=1e-5)
    assert model.info().parameters >= sum(p.numel() for p in own.parameters())


def test_classes_that_coco_does_not_have_are_left_out_and_edges_stay_in_the_picture(tmp_path):
    save_detector(tmp_path, "yolos")
    change(tmp_path / "config.json", id2label={"0": "N/A", "1": "person", "2": "street sign"})
    model = HubObjectDetection(f"folder:{tmp_path}")
    boxes = [[0.5, 0.5, 0.2, 0.4], [0.9, 0.5, 0.4, 0.4], [0.5, 0.5, 0.2, 0.4]]
    output = np.array([[[*row, *box] for row, box in zip(9 * np.eye(4)[1:], boxes, strict=True)]])
    output[0, 1, :4] = [0, 8, 0, 0]
    (first, second) = model.postprocess(output, {})
    assert first[0] == second[0] == "person" and first[1] > second[1] > 0.99
    np.testing.assert_allclose(first[2:], [0.4, 0.3, 0.6, 0.7])
    np.testing.assert_allclose(second[2:], [0.7, 0.3, 1.0, 0.7])


def test_a_detector_that_does_not_fit_is_refused(tmp_path):
    save_detector(tmp_path, "yolos")
    model = f"folder:{tmp_path}"
    change(tmp_path / "config.json", id2label={"0": "LABEL_0", "1": "table"})
    with pytest.raises(
        InputError, match=r"2 classes \(LABEL_0, table, \.\.\.\) and none of COCO's"
    ):
        HubObjectDetection(model).info()
    change(tmp_path / "config.json", model_type="deta")
    with pytest.raises(InputError, match=r"family 'deta'; those that can be run are yolos, detr"):
        HubObjectDetection(model).info()
    change(tmp_path / "preprocessor_config.json", size=None)
    change(tmp_path / "config.json", model_type="yolos", id2label={"0": "person"})
    with pytest.raises(InputError, match=r"preprocessor_config\.json of folder.*'size'"):
        HubObjectDetection(model).info()


@pytest.mark.parametrize("width", [16, 24])
def test_captions_are_those_of_transformers_generate(tmp_path, width):
    captioner = save_captioner(tmp_path, width)
    model = HubImageCaptioning(f"folder:{tmp_path}")
    (query,) = model.preprocess([PICTURE])
    runners = {network.name: TorchRunner(network) for network in model.networks()}
    answered = model.pipeline({"tokens": "8"})(runners, query, lambda phase, units: None)
    settings = {"do_sample": False, "num_beams": 1}
    expected = captioner.generate(
        torch.from_numpy(query["image"]), min_new_tokens=8, max_new_tokens=8, **settings
    )
    np.testing.assert_array_equal(answered, expected[:, 1:])
    found = model.pipeline({}).probe(runners, query)
    with torch.inference_mode():
        own = captioner(
            pixel_values=torch.from_numpy(query["image"]), decoder_input_ids=torch.tensor([[1]])
        ).logits.numpy()
    np.testing.assert_allclose(found[:, 0], own[:, 0], atol=1e-4 * np.abs(own).max())
    assert model.info().parameters == sum(p.numel() for p in captioner.parameters())
    assert model.postprocess(np.array([[4, 5, 6, 2, 4]]), query) == "a good bad"


def test_a_captioner_that_does_not_fit_is_refused(tmp_path):
    save_captioner(tmp_path)
    model = f"folder:{tmp_path}"
    save_tokenizer(tmp_path, [f"word{n}" for n in range(1000)])
    with pytest.raises(AssetError, match=r"does not match its weights: it has 1000 tokens"):
        HubImageCaptioning(model).info()
    change(tmp_path / "preprocessor_config.json", size={"height": 48, "width": 32})
    with pytest.raises(
        InputError, match=r"gives pictures of 48 x 32, but its encoder takes 32 x 32"
    ):
        HubImageCaptioning(model).info()
    decoder = json.loads((tmp_path / "config.json").read_text())["decoder"]
    change(tmp_path / "config.json", decoder={**decoder, "model_type": "roberta"})
    with pytest.raises(
        InputError, match=r"made of 'vit' and 'roberta'; captioners that can be run"
    ):
        HubImageCaptioning(model).info()
    change(tmp_path / "config.json", architectures=["BlipForConditionalGeneration"])
    with pytest.raises(InputError, match=r"BlipForConditionalGeneration, the task needs one"):
        HubImageCaptioning(model).info()
