"""Against pycocotools, and against figures worked out by hand."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.tasks.average_precision import (
    Box,
    Detected,
    detections,
    matches,
    mean_average_precision,
    overlap,
    recall,
)

CLASSES = ("dog", "cat", "bird")


def said(*found: tuple) -> str:
    return json.dumps(found)


def test_overlap_is_intersection_over_union():
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == 2 / 6
    assert overlap((0, 0, 1, 1), (0, 0, 1, 1)) == 1
    assert overlap((0, 0, 1, 1), (1, 1, 2, 2)) == 0
    assert overlap((1, 1, 1, 1), (1, 1, 1, 1)) == 0


def test_object_is_found_once_and_only_by_its_class():
    dog = Box("dog", 0, 0, 10, 10)
    found = [
        Detected("cat", 0.9, 0, 0, 10, 10),
        Detected("dog", 0.8, 0, 0, 10, 9),
        Detected("dog", 0.7, 0, 0, 10, 10),
    ]
    assert matches(found, [dog]) == [False, True, False]


def test_recall_counts_what_is_certain_enough():
    objects = [Box("dog", 0, 0, 1, 1), Box("dog", 2, 2, 3, 3)]
    found = [Detected("dog", 0.3, 2, 2, 3, 3), Detected("dog", 0.2, 0, 0, 1, 1)]
    assert recall(found, objects, 0.25) == 0.5
    assert recall(found, objects, 0.1) == 1
    assert recall([], [], 0.25) == 1


def test_figures_by_hand():
    objects = (Box("dog", 0, 0, 1, 1), Box("dog", 2, 2, 3, 3))
    both = said(("dog", 0.9, 0, 0, 1, 1), ("dog", 0.8, 2, 2, 3, 3))
    half = said(("dog", 0.9, 0, 0, 1, 1))
    between = said(("dog", 0.9, 0, 0, 1, 1), ("dog", 0.8, 5, 5, 6, 6), ("dog", 0.7, 2, 2, 3, 3))
    assert mean_average_precision([both], [objects]) == 1
    assert mean_average_precision([half], [objects]) == pytest.approx(51 / 101)
    assert mean_average_precision([between], [objects]) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert mean_average_precision([said()], [objects]) == 0
    assert mean_average_precision([both], [()]) == 0


def coco_figure(predictions: list[str], labels: list[tuple[Box, ...]]) -> float:
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    def record(image: int, box: tuple, **more: object) -> dict:
        left, top, right, bottom = box[-4:]
        width, height = right - left, bottom - top
        return {"image_id": image, "category_id": CLASSES.index(box[0]) + 1,
                "bbox": [left, top, width, height], "area": width * height, **more}  # fmt: skip

    objects = [record(i, box, iscrowd=0) for i, boxes in enumerate(labels) for box in boxes]
    for number, one in enumerate(objects, 1):
        one["id"] = number  # 0 would mean "not matched"
    found = [record(i, d, score=d.score) for i, p in enumerate(predictions) for d in detections(p)]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": i} for i in range(len(labels))],
            "categories": [{"id": n, "name": name} for n, name in enumerate(CLASSES, 1)],
            "annotations": objects,
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.evaluate()
        evaluation.accumulate()
    # thresholds, recalls, classes, areas (the first is all), limits (the last is 100)
    precision = evaluation.eval["precision"][0, :, :, 0, -1]
    return float(precision[precision > -1].mean())


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_figure_is_that_of_pycocotools(seed):
    rng = np.random.default_rng(seed)

    def box(size: float) -> list[float]:
        left, top = rng.uniform(0, 30, 2)
        return [left, top, *(np.array([left, top]) + rng.uniform(size / 2, size, 2))]

    predictions, labels = [], []
    for _ in range(rng.integers(1, 5)):
        objects = tuple(Box(str(rng.choice(CLASSES)), *box(30)) for _ in range(rng.integers(1, 7)))
        near = [
            [str(rng.choice(CLASSES)) if rng.random() < 0.2 else o.name, rng.random(),
             *(np.array(o[1:]) + rng.normal(0, 2, 4) * [1, 1, 0.5, 0.5]).tolist()]
            for o in objects for _ in range(rng.integers(0, 4))
        ]  # fmt: skip
        near = [n for n in near if n[4] > n[2] and n[5] > n[3]]
        far = [
            [str(rng.choice(CLASSES)), rng.random(), *box(20)] for _ in range(rng.integers(1, 4))
        ]
        predictions.append(json.dumps(near + far))
        labels.append(objects)
    ours = mean_average_precision(predictions, labels)
    assert ours == pytest.approx(coco_figure(predictions, labels), abs=1e-12)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_of_images_does_not_matter(drawn, random):
    objects = [
        (Box("dog", 0, 0, 1, 1),),
        (Box("dog", 0, 0, 1, 1), Box("cat", 0, 0, 1, 1)),
        (Box("cat", 0, 0, 2, 2),),
    ]
    found = [
        said(("dog", 0.9, 0, 0, 1, 1), ("cat", 0.4, 0, 0, 1, 1)),
        said(("cat", 0.8, 0, 0, 1, 1), ("dog", 0.3, 4, 4, 5, 5)),
        said(("cat", 0.7, 0, 0, 1, 1)),
    ]
    figure = mean_average_precision([found[i] for i in drawn], [objects[i] for i in drawn])
    random.shuffle(drawn)
    again = mean_average_precision([found[i] for i in drawn], [objects[i] for i in drawn])
    assert again == pytest.approx(figure)
    assert 0 <= figure <= 1
