from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import CorruptArchiveError, UnsupportedSetupError
from wattmark.models.weights.darknet_weights import read_weights
from wattmark.models.yolov3_tiny import ANCHORS, BOXES, SIDE, YoloV3Tiny, distinct

MODEL = YoloV3Tiny()


def encoded(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    image.new("RGB", (width, height), colour).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "header", [struct.pack("<3iq", 0, 2, 0, 9), struct.pack("<4i", 0, 1, 0, 9)]
)
def test_values_follow_the_header_of_either_version(tmp_path, header):
    values = np.arange(5, dtype=np.float32)
    path = tmp_path / "tiny.weights"
    path.write_bytes(header + values.tobytes())
    np.testing.assert_array_equal(read_weights(path, 5), values)
    with pytest.raises(CorruptArchiveError, match="holds 5 values; this network needs 6"):
        read_weights(path, 6)
    path.write_bytes(header[:8])
    with pytest.raises(CorruptArchiveError, match="cut short"):
        read_weights(path, 5)


def test_wide_picture_is_centred_on_grey():
    [inputs] = MODEL.preprocess([encoded(832, 416, (255, 0, 51))])
    shapes = {spec.name: spec.shape for spec in MODEL.networks()[0].inputs}
    assert {name: array.shape for name, array in inputs.items()} == shapes
    assert inputs["covered"].tolist() == [[1.0, 0.5]]
    image = inputs["image"][0]
    np.testing.assert_allclose(image[:, 103], 127 / 255)
    np.testing.assert_allclose(image[:, 104:312], [[[1]], [[0]], [[0.2]]] * np.ones((1, 208, SIDE)))
    np.testing.assert_allclose(image[:, 312], 127 / 255)


boxes = st.lists(
    st.tuples(*[st.floats(0, 1, width=32)] * 5).map(
        lambda b: (*np.sort(b[:2]), *np.sort(b[2:4]), b[4])
    ),
    max_size=12,
)


@settings(derandomize=True, deadline=None)
@given(boxes, st.sampled_from([0.0, 0.3, 1.0]))
def test_what_is_kept_is_ordered_certain_and_apart(found, overlap):
    array = np.array(found, np.float64).reshape(-1, 5)[:, [0, 2, 1, 3, 4]]
    kept = distinct(array[:, :4], array[:, 4], 0.5, overlap)
    scores = array[kept, 4]
    assert np.all(np.diff(scores) <= 0)
    assert np.all(scores > 0.5)
    if overlap == 1:
        assert sorted(kept) == np.flatnonzero(array[:, 4] > 0.5).tolist()
    if len(array) and array[:, 4].max() > 0.5:
        assert scores[0] == array[:, 4].max()
    for i, n in enumerate(kept):
        for m in kept[:i]:
            width, height = np.maximum(
                np.minimum(array[n, 2:4], array[m, 2:4]) - np.maximum(array[n, :2], array[m, :2]), 0
            )
            areas = [np.prod(array[k, 2:4] - array[k, :2]) for k in (n, m)]
            assert width * height <= overlap * (sum(areas) - width * height) + 1e-12


def test_detections_are_in_parts_of_the_picture_and_cut_at_its_edges(monkeypatch):
    monkeypatch.setattr(YoloV3Tiny, "classes", ("person", "dog", *["other"] * 78))
    output = np.zeros((1, BOXES, 85), np.float32)
    output[0, 7, [0, 1, 2, 3, 4, 6]] = [0.5, 0.9, 0.2, 0.4, 1, 0.8]
    output[0, 8, [0, 1, 2, 3, 4, 6]] = [0.5, 0.9, 0.2, 0.38, 1, 0.7]  # the same dog
    output[0, 9, [0, 1, 2, 3, 4, 5]] = [0.5, 0.9, 0.2, 0.4, 1, 0.9]
    [person, dog] = MODEL.postprocess(output, {})
    assert person[:2] == ("person", pytest.approx(0.9))
    assert dog == ("dog", *(pytest.approx(x) for x in (0.8, 0.4, 0.7, 0.6, 1.0)))


def test_options_are_refused():
    with pytest.raises(UnsupportedSetupError):
        MODEL.pipeline({"tokens": "5"})


@pytest.fixture(scope="module")
def module():
    pytest.importorskip("torch")
    return MODEL.networks()[0].module()


@pytest.mark.slow
def test_identity_matches_the_module(module):
    assert MODEL.info().parameters == sum(p.numel() for p in module.parameters())
    assert len(MODEL.classes) == 80
    assert {"couch", "tv", "dining table", "potted plant"} <= set(MODEL.classes)


@pytest.mark.slow
def test_boxes_are_those_of_the_paper(module):
    """Section 2.1 of arXiv 1804.02767, cell by cell, from the maps before they are decoded."""
    import torch

    maps = []
    hooks = [
        m.register_forward_hook(lambda *a: maps.append(a[2])) for m in (module.coarse, module.fine)
    ]
    image = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    covered = torch.tensor([[1.0, 0.5], [0.25, 1.0]])
    with torch.inference_mode():
        output = module(image, covered).numpy()
    for hook in hooks:
        hook.remove()
    assert output.shape == (2, BOXES, 85)
    rng, first = np.random.default_rng(0), 0
    for side, anchors, found in zip((13, 26), ANCHORS, maps, strict=True):
        for _ in range(20):
            n, a, y, x = (int(rng.integers(k)) for k in (2, 3, side, side))
            t = found[n].reshape(3, 85, side, side)[a, :, y, x].double().numpy()
            box = output[n, first + a * side**2 + y * side + x]
            sigmoid = 1 / (1 + np.exp(-t))
            centre = (sigmoid[:2] + np.array([x, y])) / side
            part = covered[n].numpy()
            np.testing.assert_allclose(box[:2], (centre - (1 - part) / 2) / part, atol=1e-5)
            np.testing.assert_allclose(
                box[2:4], np.exp(t[2:4]) * anchors[a] / SIDE / part, rtol=1e-4
            )
            np.testing.assert_allclose(box[4], sigmoid[4], atol=1e-6)
            np.testing.assert_allclose(box[5:], sigmoid[4] * sigmoid[5:], atol=1e-6)
        first += 3 * side**2


@pytest.mark.slow
def test_photographs_of_voc_give_the_known_figure(module):
    import torch

    from wattmark.tasks.object_detection import ObjectDetection

    task = ObjectDetection()
    _, examples = task.load(9, seed=0)
    voc = [e for e in examples if e.source == "voc"]
    said = []
    for inputs in MODEL.preprocess([e.data for e in voc]):
        with torch.inference_mode():
            output = module(*(torch.from_numpy(inputs[n]) for n in ("image", "covered"))).numpy()
        said.append(task.predict(MODEL.postprocess(output, inputs)))
    assert task.quality(said, [e.label for e in voc]) == pytest.approx(0.786, abs=0.005)
