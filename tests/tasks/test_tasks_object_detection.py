from __future__ import annotations

import json
from collections import Counter

import pytest

from wattmark.errors import AssetError
from wattmark.tasks import object_detection
from wattmark.tasks.average_precision import Box
from wattmark.tasks.object_detection import BOXES, ObjectDetection

TASK = ObjectDetection()
LABEL = (Box("dog", 0.1, 0.1, 0.5, 0.5), Box("cat", 0.6, 0.6, 0.9, 0.9))
FOUND = [("cat", 0.2, 0.6, 0.6, 0.9, 0.9), ("dog", 0.987654321, 0.1, 0.1, 0.5, 0.49)]


def test_prediction_is_the_most_certain_detections_as_json():
    assert json.loads(TASK.predict(FOUND)) == [
        ["dog", 0.98765, 0.1, 0.1, 0.5, 0.49],
        ["cat", 0.2, 0.6, 0.6, 0.9, 0.9],
    ]
    many = [("dog", n / 1000, 0, 0, 1, 1) for n in range(300)]
    kept = json.loads(TASK.predict(many))
    assert [len(kept), kept[0][1], kept[-1][1]] == [100, 0.299, 0.2]


def test_score_is_the_part_found_and_quality_the_map():
    prediction = TASK.predict(FOUND)
    assert TASK.score(prediction, LABEL) == 0.5  # the cat is not certain enough
    assert TASK.quality([prediction], [LABEL]) == 1
    assert TASK.quality([TASK.predict([])], [LABEL]) == 0


def test_label_that_went_through_json_is_the_same():
    prediction, label = TASK.predict(FOUND), json.loads(json.dumps(LABEL))
    assert TASK.score(prediction, label) == 0.5
    assert TASK.quality([prediction], [label]) == 1


def test_our_own_boxes_lie_the_right_way_round():
    drawn = json.loads(BOXES.read_text())["boxes"]
    assert sum(map(len, drawn.values())) == 15
    for boxes in drawn.values():
        assert all(left < right and top < bottom for _, (left, top, right, bottom) in boxes)


@pytest.mark.slow
def test_nine_photographs_with_boxes_within_them():
    pytest.importorskip("PIL")
    info, examples = TASK.load(1000, seed=0)
    sources = Counter(e.source for e in examples)
    assert sources["voc"] == 4
    assert sum(len(e.label) for e in examples if e.source == "voc") == 28
    assert info.samples == len(examples)
    for example in examples:
        assert example.data.is_file()
        for name, left, top, right, bottom in example.label:
            assert name.islower()
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1.001
    if "darknet" in sources:  # where there is apt
        assert sources["darknet"] == 5
        assert "9 photographs with 43 boxes" in info.description


@pytest.mark.slow
def test_where_there_is_no_apt_the_photographs_of_voc_remain(monkeypatch):
    said = []
    monkeypatch.setattr(
        object_detection._log, "warning", lambda text, *values: said.append(text % values)
    )
    resolve = object_detection.resolve

    def without_debian(ref):
        if ref.registry == "debian":
            raise AssetError("no apt-get")
        return resolve(ref)

    monkeypatch.setattr(object_detection, "resolve", without_debian)
    info, examples = TASK.load(9, seed=0)
    assert {e.source for e in examples} == {"voc"}
    assert info.samples == 4
    assert "4 photographs with 28 boxes" in info.description
    assert not any("debian" in source for source in info.sources)
    assert "without the photographs of Darknet: no apt-get" in said[0]
