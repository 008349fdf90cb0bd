"""Object detection: photographs with boxes in COCO's 80 classes, and others without labels.

Visual Genome, the third set of the AI Energy Score, has no data files on the hub; its share is in
``aies-sample``.
"""

from __future__ import annotations

from wattmark.contracts.coco import COCO_CLASSES
from wattmark.tasks.average_precision import Box
from wattmark.tasks.hub.dataset import CONVERTED, HubDataset, Row, aies_sample
from wattmark.tasks.hub.image_classification import unlabelled
from wattmark.tasks.hub.tables import encoded


def _boxed(row: Row) -> tuple[bytes, tuple[Box, ...]]:
    """A photograph and its boxes, left, top, right, bottom in pixels there, in parts here."""
    width, height = float(row["width"]), float(row["height"])
    found = row["objects"]
    boxes = []
    for number, (left, top, right, bottom) in zip(found["category"], found["bbox"], strict=True):
        if not (0 <= left <= right <= width + 1 and 0 <= top <= bottom <= height + 1):
            edges = (left, top, right, bottom)
            raise ValueError(f"{edges} are no edges in a picture of {width:g} x {height:g} pixels")
        scaled = (left / width, top / height, right / width, bottom / height)
        boxes.append(Box(COCO_CLASSES[number], *(round(min(edge, 1.0), 6) for edge in scaled)))
    return encoded(row["image"]), tuple(boxes)


DATASETS = (
    HubDataset(
        name="coco-2017",
        repo="detection-datasets/coco",
        files=("data/val*.parquet",),
        split="val",
        columns=("image", "width", "height"),
        label_columns=("objects",),
        label="boxes with COCO's classes",
        read=_boxed,
        licence="annotations CC-BY-4.0; photographs: Flickr terms",
        citation="Lin et al., ECCV 2014, arXiv 1405.0312",
        unit="image",
    ),
    HubDataset(
        name="plastic-in-river",
        repo="kili-technology/plastic_in_river",
        revision=CONVERTED,
        files=("default/test*.parquet",),
        split="test",
        columns=("image",),
        read=unlabelled,
        licence="not stated",
        citation="Kili Technology, 2022",
        unit="image",
    ),
    aies_sample(
        "object_detection",
        "image",
        unlabelled,
        "COCO, Visual Genome and Plastic in River",
        unit="image",
    ),
)
